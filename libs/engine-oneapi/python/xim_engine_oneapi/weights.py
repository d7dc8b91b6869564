"""The files of a model, looked at before native code does: a cut file makes it crash instead of saying so."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xim_worker import Context, StartError

IR = "openvino_model.xml"
"""OpenVINO's own representation of a model; its weights lie in a .bin beside it, its tokenizer in files of its own."""


def find_weights(context: Context, *endings: str) -> Path:
    """The one file of the model's folder with one of these endings; every file has the size that models.json gives."""
    folder = Path(context.model_path)
    found = sorted(path for path in folder.iterdir() if path.name.endswith(endings))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        expected = " or ".join(endings)
        raise StartError(f"expected one {expected} file in {context.model_path}, found {names}", permanent=True)
    sizes: dict[str, set[int]] = {}
    for artifact in context.model.get("artifacts", {}).values():
        for file in artifact["files"]:
            sizes.setdefault(file["path"], set()).add(file["size"])
    for path in [found[0], *folder.glob("*.bin")]:
        _check_size(path, sizes.get(path.name))
    return found[0]


def weight_bytes(path: Path) -> int:
    """Size of the weights of what `find_weights` found: an IR has them beside it."""
    return (path.with_suffix(".bin") if path.name == IR else path).stat().st_size


def _check_size(path: Path, sizes: set[int] | None) -> None:
    size = path.stat().st_size
    if not sizes or size in sizes:
        return
    expected = " or ".join(str(each) for each in sorted(sizes))
    raise StartError(
        f"{path.name} has {size} bytes, models.json says {expected}: the file is damaged; "
        "remove it from the model cache and fetch it again",
        permanent=True,
    )


@contextmanager
def writable_file(path: Path) -> Iterator[Path]:
    """
    The file or, where it may only be read, a copy in the temporary folder until the end of the block: GenAI opens a
    GGUF file for writing, although it only reads it, and a model cache that is mounted read-only refuses that.
    """
    if os.access(path, os.W_OK):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="xim-weights-") as folder:
        copy = Path(folder, path.name)
        try:
            shutil.copyfile(path, copy)
        except OSError as error:
            raise StartError(
                f"{path.name} may only be read, and GenAI opens it for writing; a copy in {folder} failed ({error}): "
                "make the model cache writable, or give XIM_TMP and TMPDIR a folder with room for the file",
                permanent=False,
            ) from error
        yield copy
