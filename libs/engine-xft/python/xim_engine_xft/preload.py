"""Loads the OpenMP of the library into the process before that of PyTorch."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path


def preload_openmp() -> None:
    """Replaces this process by the same program with libiomp5 of the library loaded first; the process id stays."""
    # The helper of the library cannot be used: it imports the package, and the import needs libiomp5.
    spec = importlib.util.find_spec("xfastertransformer")
    library = Path(spec.origin).with_name("libiomp5.so") if spec is not None and spec.origin else None
    loaded = os.environ.get("LD_PRELOAD", "")
    if library is None or not library.is_file() or str(library) in loaded.split(":"):
        return
    os.environ["LD_PRELOAD"] = f"{library}:{loaded}".rstrip(":")
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
