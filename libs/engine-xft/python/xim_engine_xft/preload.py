"""The library's OpenMP has to be in the process before PyTorch's own."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path


def preload_openmp() -> None:
    """Starts this process anew, under the same number, with libiomp5 of the library loaded first."""
    # The library's own helper for this imports the package, which the helper is needed for.
    spec = importlib.util.find_spec("xfastertransformer")
    library = Path(spec.origin).with_name("libiomp5.so") if spec is not None and spec.origin else None
    loaded = os.environ.get("LD_PRELOAD", "")
    if library is None or not library.is_file() or str(library) in loaded.split(":"):
        return
    os.environ["LD_PRELOAD"] = f"{library}:{loaded}".rstrip(":")
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
