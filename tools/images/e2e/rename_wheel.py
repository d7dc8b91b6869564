"""`rename_wheel.py WHEEL VERSION`: makes a wheel claim another version, in place. What it installs stays the same.

The name of the file changes and the folder of its metadata; old metadata stays in the file, in no list of contents.
"""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZipFile


def rename(path: Path, version: str) -> Path:
    project, old, *tags = path.name.split("-")
    folder = f"{project}-{old}.dist-info/"
    with ZipFile(path, "a") as wheel:
        for entry in [entry for entry in wheel.infolist() if entry.filename.startswith(folder)]:
            content = wheel.read(entry)
            wheel.filelist.remove(entry)
            del wheel.NameToInfo[entry.filename]
            if entry.filename == f"{folder}METADATA":
                content = content.replace(f"\nVersion: {old}\n".encode(), f"\nVersion: {version}\n".encode(), 1)
            if entry.filename == f"{folder}RECORD":
                content = content.replace(folder.encode(), f"{project}-{version}.dist-info/".encode())
            wheel.writestr(entry.filename.replace(folder, f"{project}-{version}.dist-info/"), content)
    return path.rename(path.with_name("-".join([project, version, *tags])))


if __name__ == "__main__":
    rename(Path(sys.argv[1]), sys.argv[2])
