"""Which compiled form of a model computes a batch: every thread for one alone, a share for those side by side."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import openvino as ov

T = TypeVar("T")

# A second compiled model, for a single batch, holds the weights a second time.
_MOST_COPIED_BYTES = 512 * 2**20
_FEW_THREADS = 4


class InferPool(Generic[T]):
    """Infer requests of two kinds, each used by one batch at a time.

    `shared` are those of a model whose streams divide the threads: with all of them busy a text costs the least.
    `alone`, where there is one, has every thread to itself and is taken while nothing else runs: it is the quickest
    for that batch, and would slow others.
    """

    def __init__(self, shared: Sequence[T], alone: T | None = None) -> None:
        self._shared = list(shared)
        self._alone = [] if alone is None else [alone]
        self._has_alone = alone is not None
        self._taken = 0
        self._given_back = threading.Condition()

    @contextmanager
    def take(self, repeatable: bool = False) -> Iterator[T]:
        """Waits while all that may be taken is in use.

        `repeatable`: the same input gives the same bits at each call. Forms with different numbers of threads round
        differently, so the form is `alone` whatever else runs, where there is one.
        """
        with self._given_back:
            while not (kind := self._kind(repeatable)):
                self._given_back.wait()
            taken = kind.pop()
            self._taken += 1
        try:
            yield taken
        finally:
            with self._given_back:
                self._taken -= 1
                kind.append(taken)
                self._given_back.notify_all()

    def each(self) -> Iterator[InferPool[T]]:
        """A pool of each single request, so that every one of them runs once before the service is ready."""
        return (InferPool([request]) for request in [*self._shared, *self._alone])

    def _kind(self, repeatable: bool) -> list[T]:
        """The kind to take from now. It is empty while its requests are in use."""
        wants_alone = repeatable and self._has_alone
        return self._alone if wants_alone or (self._alone and self._taken == 0) else self._shared


def compile_pool(
    model: ov.Model | Path, weight_bytes: int, threads: int, streams: int, config: Mapping[str, object]
) -> tuple[ov.CompiledModel, InferPool[ov.InferRequest]]:
    """Compiles a model for the CPU: `streams` infer requests that divide the threads, and one with all of them.

    The last is left out where a stream has threads enough, or where the weights are too large to be held twice. Raises
    RuntimeError.
    """
    core = ov.Core()
    source: ov.Model | str = str(model) if isinstance(model, Path) else model
    settings = {"INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False, **config}
    is_worth_a_copy = streams > 1 and threads / streams < _FEW_THREADS and weight_bytes <= _MOST_COPIED_BYTES

    def compile_form(streams: int) -> ov.CompiledModel:
        return core.compile_model(source, "CPU", {**settings, "NUM_STREAMS": streams})

    # Side by side, since the compiler works mostly in one thread.
    with ThreadPoolExecutor() as compiler:
        alone = compiler.submit(compile_form, 1) if is_worth_a_copy else None
        compiled = compile_form(streams)
    requests = [compiled.create_infer_request() for _ in range(streams)]
    return compiled, InferPool(requests, None if alone is None else alone.result().create_infer_request())
