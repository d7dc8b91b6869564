"""The files of a model, looked at before native code does: a cut file makes it crash instead of saying so."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xim_worker import Context, StartError


def find_weights(context: Context, suffix: str) -> Path:
    """The one file of the model's folder with this suffix, of the size that models.json gives."""
    found = sorted(Path(context.model_path).glob(f"*{suffix}"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise StartError(f"expected one {suffix} file in {context.model_path}, found {names}", permanent=True)
    sizes = {
        file["size"]
        for artifact in context.model.get("artifacts", {}).values()
        for file in artifact["files"]
        if file["path"] == found[0].name
    }
    size = found[0].stat().st_size
    if sizes and size not in sizes:
        expected = " or ".join(str(each) for each in sorted(sizes))
        raise StartError(
            f"{found[0].name} has {size} bytes, models.json says {expected}: the file is damaged; "
            "remove it from the model cache and fetch it again",
            permanent=True,
        )
    return found[0]


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
