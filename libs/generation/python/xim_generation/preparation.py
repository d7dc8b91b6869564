"""Tokenises prompts and compiles grammars in threads beside the step, so that long input delays no other call."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from xim_worker import Request, Turn, TurnQueue

T = TypeVar("T")

# Characters of a short request, which is read in well below a millisecond.
_SHORT = 16_384


_NEXT_SECONDS = 0.003
"""Maximum time until a burst's next request. A host reads a request in about 1 ms."""
_BURST_SECONDS = 0.02
"""Maximum wait of the first request of a burst."""


_Entry = tuple[int, Turn, Callable[[], T]]


class _TurnLine(queue.Queue[_Entry[T]]):
    """A queue between threads whose entries are taken in the order of turns."""

    def _init(self, maxsize: int) -> None:
        self._turns: TurnQueue[_Entry[T]] = TurnQueue()

    def _qsize(self) -> int:
        return len(self._turns)

    def _put(self, item: _Entry[T]) -> None:
        self._turns.add(item[1], item)

    def _get(self) -> _Entry[T]:
        return self._turns.pop()


class Preparation(Generic[T]):
    """Prepares requests in two threads, for short and for long requests: long input does not delay short input. In each
    thread, clients and their requests take turns.

    The results wait for `take`; `wake` is called, from a thread, when there are results. The host's admission limits
    the number of waiting requests.

    Clients that wait for each other's end send their next requests together, and one step for all prompts is faster
    than two. So the first of `expected` short requests does not wake the runtime alone: it waits for the others, a few
    milliseconds at most.
    """

    expected: int = 1
    """Requests that arrive together while no call runs."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._open: set[int] = set()
        self._done: deque[tuple[int, T | Exception]] = deque()
        self._awake = False
        self._short: _TurnLine[T] = _TurnLine()
        self._long: _TurnLine[T] = _TurnLine()
        for name, work in (("short", self._prepare_short), ("long", self._prepare_long)):
            threading.Thread(target=work, name=f"prepare-{name}", daemon=True).start()

    @property
    def ready(self) -> bool:
        """Whether `take` has results and no burst is awaited."""
        return self._awake

    def submit(self, call: int, turn: Turn, request: Request, prepare: Callable[[], T]) -> None:
        with self._lock:
            self._open.add(call)
        (self._short if _size(request) <= _SHORT else self._long).put((call, turn, prepare))

    def cancel(self, call: int) -> None:
        """Forgets a request; its result, if any, is never taken."""
        with self._lock:
            self._open.discard(call)

    def take(self) -> list[tuple[int, T | Exception]]:
        """The results since the last call, in the order of completion; an exception was raised by `prepare`."""
        taken = []
        self._awake = False
        while self._done:
            call, result = self._done.popleft()
            with self._lock:
                if call not in self._open:
                    continue
                self._open.remove(call)
            taken.append((call, result))
        return taken

    def _prepare_short(self) -> None:
        burst_ends = 0.0
        while True:
            waits = bool(self._done) and not self._awake
            try:
                call, _, prepare = self._short.get(timeout=_NEXT_SECONDS if waits else None)
            except queue.Empty:
                self._give()
                continue
            if not self._done:
                burst_ends = time.monotonic() + _BURST_SECONDS
            self._run(call, prepare)
            if len(self._done) >= self.expected or time.monotonic() >= burst_ends:
                self._give()

    def _prepare_long(self) -> None:
        while True:
            call, _, prepare = self._long.get()
            self._run(call, prepare)
            self._give()

    def _give(self) -> None:
        if self._done:
            self._awake = True
            self._wake()

    def _run(self, call: int, prepare: Callable[[], T]) -> None:
        if call not in self._open:
            return
        result: T | Exception
        try:
            result = prepare()
        except Exception as error:
            result = error
        except BaseException as error:
            # A panic of a native library is not an Exception; without this the call would never end.
            result = RuntimeError(f"{type(error).__name__}: {error}")
        self._done.append((call, result))


def _size(value: Any) -> int:
    """Characters of the texts and elements of the lists in a JSON value."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(name) + _size(member) for name, member in value.items())
    if isinstance(value, list):
        # Each token counts as 1; the elements are not visited, since lists of tokens are long.
        return len(value) + (0 if value and isinstance(value[0], int) else sum(_size(member) for member in value))
    return 1
