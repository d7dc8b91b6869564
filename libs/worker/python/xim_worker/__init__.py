"""The Python side of a XIM worker: the runtime that talks to the host, and what a handler is.

Standard library only. The protocol is specified in the README of `@xim/worker`.
"""

from .calls import failure
from .cpu import cpu_flags
from .engine_main import Handlers, serve_engine
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
    RerankResult,
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
    RerankInput,
    SpeakEvent,
    SpeakInput,
    TextToken,
    TokenizeInput,
    TokenLogprob,
    TranscribeEvent,
    TranscribeInput,
    Truncation,
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
    "Handlers",
    "ImageDefaults",
    "ImageEvent",
    "ImageInput",
    "Info",
    "InvalidInput",
    "Item",
    "Media",
    "Plan",
    "Request",
    "RerankInput",
    "RerankResult",
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
    "Truncation",
    "Turn",
    "TurnQueue",
    "cpu_flags",
    "failure",
    "serve",
    "serve_engine",
    "serve_failure",
    "serve_file",
    "turn_of",
]
