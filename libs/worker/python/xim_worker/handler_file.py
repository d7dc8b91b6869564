"""A service's own handler: one Python file with a class `Handler`."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from typing import Any

from .failed_start import serve_failure
from .serve import serve


def serve_file(path: str, task: str) -> None:
    """Serves the class `Handler` of a file for one task until the host ends. Does not return.

    Its methods say which of the three shapes it has: `step` is a StepHandler's, `prepare` a BatchHandler's, and one
    with neither is a CallHandler. A file without such a class, or that cannot be imported, is a permanent start error.
    """
    try:
        handler = _load(path)
    except Exception as error:
        traceback.print_exc()
        serve_failure(task, f"{path} cannot be used as a handler: {type(error).__name__}: {error}")
        return
    if hasattr(handler, "step"):
        serve(steps={task: handler})
    elif hasattr(handler, "prepare"):
        serve(batches={task: handler})
    else:
        serve(calls={task: handler})


def _load(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("handler", path)
    if spec is None or spec.loader is None:
        raise ImportError("its name does not end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["handler"] = module
    spec.loader.exec_module(module)
    return module.Handler()
