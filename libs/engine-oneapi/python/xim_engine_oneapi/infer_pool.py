"""Which compiled form of a model computes a batch: every thread for one alone, a share for those side by side."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class InferPool(Generic[T]):
    """Infer requests of two kinds, each used by one batch at a time.

    `shared` are those of a model whose streams divide the threads: with all of them busy a text costs the least.
    `alone`, where there is one, has every thread to itself and is taken while nothing else runs: it is the quickest
    for that batch, and would slow others.
    """

    def __init__(self, shared: Sequence[T], alone: T | None = None) -> None:
        self._shared = list(shared)
        self._alone = alone
        self._taken = 0
        self._given_back = threading.Condition()

    @contextmanager
    def take(self) -> Iterator[T]:
        """Waits while all that may be taken is in use."""
        with self._given_back:
            if self._taken == 0 and self._alone is not None:
                taken, kind = self._alone, "alone"
            else:
                while not self._shared:
                    self._given_back.wait()
                taken, kind = self._shared.pop(), "shared"
            self._taken += 1
        try:
            yield taken
        finally:
            with self._given_back:
                self._taken -= 1
                if kind == "shared":
                    self._shared.append(taken)
                self._given_back.notify()
