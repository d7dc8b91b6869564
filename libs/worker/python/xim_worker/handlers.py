"""What a handler is: the three shapes, and the values that cross between a handler and the runtime.

A request is the task's input as the host sent it (`tasks.py`), with every `$body` already replaced by `bytes`. An event
has a `type`; values of type `bytes` in it travel raw.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypedDict

from .tasks import EmbedOutput, GenerateInput, RerankOutput, TokenizeOutput
from .turns import Turn

Event = Mapping[str, Any]
"""The event of any task: `GenerateEvent`, `TranscribeEvent` …, a result, or an error."""
Request = Mapping[str, Any]
"""The input of any task: `GenerateInput`, `TranscribeInput` …"""


class EmbedResult(EmbedOutput):
    type: Literal["result"]


class RerankResult(RerankOutput):
    type: Literal["result"]


class TokenizeResult(TokenizeOutput):
    type: Literal["result"]


class InvalidInput(Exception):
    """Refuses one call: the caller must change it.

    `param` is the path inside the task's input (`prompt`, `sampling.temperature`); `code` one of `XIM_INVALID_INPUT`,
    `XIM_CONTEXT_LENGTH_EXCEEDED`, `XIM_UNSUPPORTED_PARAMETER`, `XIM_MODEL_NOT_FOUND`.
    """

    def __init__(self, message: str, param: str | None = None, code: str = "XIM_INVALID_INPUT") -> None:
        super().__init__(message)
        self.param = param
        self.code = code


class StartError(Exception):
    """Raised by `load`. `permanent` says that starting again on this host is useless."""

    def __init__(self, message: str, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class ImageDefaults(TypedDict):
    """As in `@xim/engine`: a picture for which nothing but a prompt is given, and how long it took at the start."""

    width: int
    height: int
    steps: int
    stepSeconds: float
    otherSeconds: float


class Runtime(TypedDict):
    """The library that computes and the best instruction set it really uses."""

    name: str
    version: str
    isa: str


@dataclass(frozen=True)
class Info:
    """What `load` found out; becomes `EngineInfo` on the host."""

    runtime: Runtime
    models: list[str]
    dtype: str
    slots: int
    context_length: int | None = None
    dimensions: int | None = None
    voices: list[str] | None = None
    sample_rate: int | None = None
    image_sizes: list[str] | None = None
    image_defaults: ImageDefaults | None = None
    safety_checker: bool | None = None
    languages: list[str] | None = None
    kv_cache_dtype: str | None = None


@dataclass(frozen=True)
class Plan:
    """The part of the host's plan that a handler obeys; units as in `@xim/engine`'s `Plan`."""

    threads: int
    slots: int
    kv_cache_bytes: int
    batch_tokens: int


@dataclass(frozen=True)
class Companion:
    """A model that the main one works with."""

    model: dict[str, Any]
    """The lock entry."""
    model_path: str
    """Folder with the files of the profile's artifact."""
    options: dict[str, Any]
    """`Profile.options` of the companion's own profile."""


@dataclass(frozen=True)
class Context:
    """Everything `load` may know."""

    model: dict[str, Any]
    """The lock entry (`ModelEntry`)."""
    model_path: str
    """Folder with the files of the profile's artifact."""
    options: dict[str, Any]
    """`Profile.options`."""
    plan: Plan
    rank: int
    progress: Callable[[str, float | None], None] = field(repr=False)
    """Tells the host what is being done: `progress("reading weights", 0.4)`."""
    wake: Callable[[], None] = field(repr=False, default=lambda: None)
    """From any thread: `busy` of a StepHandler has become true, although no call has arrived."""
    companions: dict[str, Companion] = field(default_factory=dict)
    """By role in `models.json`: the models that the main one works with."""


class StepHandler(Protocol):
    """Continuous batching: many calls, one `step` at a time for all of them. Called from one thread only.

    `add` validates, tokenises, admits and returns the events that are known at once, the `start` event first. Long work
    on an input belongs in a thread of the handler: then `add` returns no event, and a later `step` returns the call's
    `start`, or `failure(error)` as its only event; `Context.wake` tells the runtime that `busy` has become true.
    `step` advances everything by one step and returns `(id, event)` pairs; the last event of a call is `end`. Between
    two steps `cancel` forgets a call, or does nothing for one that is unknown or over. `busy` says whether a step has
    anything to do. Any exception from `step` or `cancel` is the engine's death.

    `turn` names the client and the request of a call. Where more waits than a step takes, clients take turns, and the
    requests of a client take turns (`TurnQueue`). None: the call is a client of its own (`turn_of`).
    """

    def load(self, context: Context) -> Info: ...

    def add(self, call: int, request: GenerateInput, turn: Turn | None = None) -> Sequence[Event]: ...

    def step(self) -> Sequence[tuple[int, Event]]: ...

    def cancel(self, call: int) -> None: ...

    @property
    def busy(self) -> bool: ...

    # Optional: def tokenize(self, request: TokenizeInput) -> TokenizeResult   (answers the task `tokenize`)


@dataclass(frozen=True)
class Item:
    """One unit of a batch. `size` is its cost in tokens; `data` is the handler's own."""

    size: int
    data: Any


class BatchHandler(Protocol):
    """Many small inputs, computed together across calls.

    `prepare` runs on arrival, in one of a few threads beside the batches. Where it takes long it is a generator: every
    few items other calls have their turn. `run` runs in one of `parallel` threads, which take disjoint batches; a batch
    that fails is run again in halves, down to single items, so that an item fails no call but its own. `finish` makes
    the call's result from the results of its items, in their order. A handler writes its own task's types: `EmbedInput`
    and `EmbedResult`, `RerankInput` and `RerankResult`.
    """

    parallel: int
    """How many batches may run at once."""

    def load(self, context: Context) -> Info: ...

    def prepare(self, request: Any) -> Iterable[Item]: ...

    def run(self, items: Sequence[Item]) -> Sequence[Any]: ...

    def finish(self, request: Any, items: Sequence[Item], results: Sequence[Any]) -> Event: ...


class CallHandler(Protocol):
    """One call at a time per thread. `run` yields the call's events, `start` first and `end` last.

    Between two yields the runtime looks for cancellation and then closes the generator; a handler that computes long
    without an event asks `cancelled()` itself, or yields None as a sign of life. A handler writes its own task's types:
    `TranscribeInput` and `TranscribeEvent`, `SpeakInput` and `SpeakEvent`, `ImageInput` and `ImageEvent`.
    """

    def load(self, context: Context) -> Info: ...

    def run(self, request: Any, cancelled: Callable[[], bool]) -> Generator[Event | None, None, None]: ...
