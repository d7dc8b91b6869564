"""Decides which call computes its sentence next."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Admits up to `parallel` sentences at once, in the order in which they arrive.

    A call requests one sentence at a time, so calls take turns. A short text waits for at most one sentence of each
    call before it, whatever the length of the other texts, and no call starves.
    """

    def __init__(self, parallel: int) -> None:
        self._free = parallel
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Number of sentences that wait for their turn."""
        return len(self._waiting)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Waits for the turn, and passes it on when the block ends."""
        with self._lock:
            turn = None
            if self._free > 0:
                self._free -= 1
            else:
                turn = threading.Event()
                self._waiting.append(turn)
        if turn is not None:
            turn.wait()
        try:
            yield
        finally:
            with self._lock:
                if self._waiting:
                    self._waiting.popleft().set()
                else:
                    self._free += 1
