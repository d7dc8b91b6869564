"""The program of an engine's worker: `python -m xim_engine_<name> TASK [HANDLER]`."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

from .failed_start import serve_failure
from .handler_file import serve_file
from .handlers import BatchHandler, CallHandler, StepHandler
from .serve import serve


class Handlers(TypedDict, total=False):
    """The handlers of a task, by shape."""

    steps: Mapping[str, StepHandler]
    batches: Mapping[str, BatchHandler]
    calls: Mapping[str, CallHandler]


def serve_engine(engine: str, arguments: Sequence[str], handlers: Callable[[str], Handlers]) -> None:
    """Serves the engine's handlers of a task until the host ends. Does not return.

    `arguments` are the task and, where the service has one, the file of its own handler. `handlers` imports the modules
    that a task needs; it returns no handlers for a task that the engine does not have. Both that and a wheel that
    cannot be imported are permanent start errors: the next start would find the same.
    """
    task, *own = arguments
    if own:
        serve_file(own[0], task)
    try:
        served = handlers(task)
    except ImportError as error:
        traceback.print_exc()
        serve_failure(task, _advice(engine, error))
        return
    if not served:
        serve_failure(task, f"xim_engine_{engine} has no handler for the task {task}")
    serve(**served)


def _advice(engine: str, error: ImportError) -> str:
    if isinstance(error, ModuleNotFoundError):
        fault = f"The Python {sys.executable} has no {error.name}, which the engine {engine} needs."
    else:
        fault = (
            f"The Python {sys.executable} cannot import {error.name or 'a module'} for the engine {engine}: {error}."
        )
    return (
        f"{fault} In a clone `npm test` makes an environment with it: set XIM_VENVS to the clone's .venv. Elsewhere "
        f"make <XIM_VENVS>/{engine} with `python3 -m venv` and install there the engine's python/requirements.lock, "
        "and the requirements.lock of the service where it has one."
    )
