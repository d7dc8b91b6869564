"""The Python side of a XIM worker: the runtime that talks to the host, and what a handler is.

Standard library only. The protocol is specified in the README of `@xim/worker`.
"""

from .calls import failure
from .failed_start import serve_failure
from .handler_file import serve_file
from .handlers import (
    BatchHandler,
    CallHandler,
    Companion,
    Context,
    Event,
    Info,
    InvalidInput,
    Item,
    Plan,
    Request,
    Runtime,
    StartError,
    StepHandler,
)
from .serve import serve

__all__ = [
    "BatchHandler",
    "CallHandler",
    "Companion",
    "Context",
    "Event",
    "Info",
    "InvalidInput",
    "Item",
    "Plan",
    "Request",
    "Runtime",
    "StartError",
    "StepHandler",
    "failure",
    "serve",
    "serve_failure",
    "serve_file",
]
