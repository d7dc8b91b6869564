"""A service's own handler: one Python file with a class `Handler`."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from .handlers import Context, Event, Info, Request, StartError
from .serve import serve


def serve_file(path: str, task: str) -> None:
    """Serves the class `Handler` of a file for one task until the host ends. Does not return.

    Its methods say which of the three shapes it has: `step` is a StepHandler's, `prepare` a BatchHandler's, and one
    with neither is a CallHandler. A file without such a class, or that cannot be imported, is a permanent start error.
    """
    handler = _load(path)
    if hasattr(handler, "step"):
        serve(steps={task: handler})
    elif hasattr(handler, "prepare"):
        serve(batches={task: handler})
    else:
        serve(calls={task: handler})


def _load(path: str) -> Any:
    try:
        spec = importlib.util.spec_from_file_location("handler", path)
        if spec is None or spec.loader is None:
            raise ImportError("its name does not end in .py")
        module = importlib.util.module_from_spec(spec)
        sys.modules["handler"] = module
        spec.loader.exec_module(module)
        return module.Handler()
    except Exception as error:
        # Told where the host listens: a process that just ends would be started again and again.
        traceback.print_exc()
        return _Broken(f"{path} cannot be used as a handler: {type(error).__name__}: {error}")


class _Broken:
    """A CallHandler whose start fails."""

    def __init__(self, message: str) -> None:
        self._message = message

    def load(self, context: Context) -> Info:
        raise StartError(self._message, permanent=True)

    def run(self, request: Request, cancelled: Callable[[], bool]) -> Iterator[Event | None]:
        yield from ()
