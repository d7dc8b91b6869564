"""The files of a model, looked at before native code does: a cut file makes it crash instead of saying so."""

from __future__ import annotations

import re
from pathlib import Path

from xim_worker import Companion, Context, StartError

# The parts of a split GGUF file behind the first (llama.cpp, gguf-split).
_LATER = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$")

IR = "openvino_model.xml"
"""OpenVINO's intermediate representation (IR) of a model. Weights are in a .bin file, the tokenizer in others."""


def find_weights(context: Context | Companion, *endings: str) -> Path:
    """
    The one file of the model's folder with one of these endings; every file has the size that models.json gives. Where
    the folder holds several, it is the one that models.json names; of a split file it is the first part. Raises
    StartError, permanent, where no single file is found, a file has another size, or only later parts are there.
    """
    folder = Path(context.model_path)
    found = sorted(path for path in folder.iterdir() if path.name.endswith(endings) and not _LATER.search(path.name))
    sizes: dict[str, set[int]] = {}
    for artifact in context.model.get("artifacts", {}).values():
        for file in artifact["files"]:
            sizes.setdefault(file["path"], set()).add(file["size"])
    if len(found) > 1:
        found = [path for path in found if path.name in sizes]
    if len(found) != 1:
        names = ", ".join(sorted(path.name for path in folder.iterdir() if path.name.endswith(endings))) or "none"
        expected = " or ".join(endings)
        raise StartError(f"expected one {expected} file in {context.model_path}, found {names}", permanent=True)
    for path in [found[0], *_later_parts(found[0]), *folder.glob("*.bin")]:
        _check_size(path, sizes.get(path.name))
    return found[0]


def weight_bytes(path: Path) -> int:
    """Size of the weights in bytes; the weights of an IR (`.xml`) are in the .bin file beside it."""
    if path.suffix == ".xml":
        return path.with_suffix(".bin").stat().st_size
    return sum(part.stat().st_size for part in [path, *_later_parts(path)])


def _later_parts(path: Path) -> list[Path]:
    """The parts behind the first part of a split GGUF file that lie beside it."""
    first = re.fullmatch(r"(.*)-00001(-of-\d{5}\.gguf)", path.name)
    if first is None:
        return []
    stem, ending = first.groups()
    return sorted(
        part
        for part in path.parent.iterdir()
        if part.name.startswith(f"{stem}-") and part.name.endswith(ending) and part != path
    )


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
