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
    EmbedResult,
    Event,
    ImageDefaults,
    Info,
    InvalidInput,
    Item,
    Plan,
    Request,
    Runtime,
    StartError,
    StepHandler,
    TokenizeResult,
)
from .serve import serve
from .tasks import (
    EmbedInput,
    EmbedItem,
    GenerateEvent,
    GenerateInput,
    ImageEvent,
    ImageInput,
    Media,
    SpeakEvent,
    SpeakInput,
    TextToken,
    TokenizeInput,
    TokenLogprob,
    TranscribeEvent,
    TranscribeInput,
)
from .turns import Turn, TurnQueue, turn_of

__all__ = [
    "BatchHandler",
    "CallHandler",
    "Companion",
    "Context",
    "EmbedInput",
    "EmbedItem",
    "EmbedResult",
    "Event",
    "GenerateEvent",
    "GenerateInput",
    "ImageDefaults",
    "ImageEvent",
    "ImageInput",
    "Info",
    "InvalidInput",
    "Item",
    "Media",
    "Plan",
    "Request",
    "Runtime",
    "SpeakEvent",
    "SpeakInput",
    "StartError",
    "StepHandler",
    "TextToken",
    "TokenLogprob",
    "TokenizeInput",
    "TokenizeResult",
    "TranscribeEvent",
    "TranscribeInput",
    "Turn",
    "TurnQueue",
    "failure",
    "serve",
    "serve_failure",
    "serve_file",
    "turn_of",
]
