"""Prompts are tokenised and grammars compiled in threads beside the step, so that long input delays no other call."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from xim_worker import Request

T = TypeVar("T")

# Characters of a request that is short: read in well below a millisecond.
_SHORT = 16_384


class Preparation(Generic[T]):
    """Prepares requests, short ones and long ones in a thread each: no long input delays a short one.

    The results wait for `take`; `wake` is called, from a thread, when there is one. The number of waiting requests is
    bounded by the host's admission.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lanes = [ThreadPoolExecutor(1, thread_name_prefix=f"prepare-{name}") for name in ("short", "long")]
        self._lock = threading.Lock()
        self._open: set[int] = set()
        self._done: deque[tuple[int, T | Exception]] = deque()

    @property
    def ready(self) -> bool:
        """Whether `take` has a result to give."""
        return bool(self._done)

    def submit(self, call: int, request: Request, prepare: Callable[[], T]) -> None:
        with self._lock:
            self._open.add(call)
        self._lanes[0 if _size(request) <= _SHORT else 1].submit(self._run, call, prepare)

    def cancel(self, call: int) -> None:
        """Forgets a request; its result, if any, is never taken."""
        with self._lock:
            self._open.discard(call)

    def take(self) -> list[tuple[int, T | Exception]]:
        """The results since the last time, in the order in which they were ready; an exception is one of `prepare`."""
        taken = []
        while self._done:
            call, result = self._done.popleft()
            with self._lock:
                if call not in self._open:
                    continue
                self._open.remove(call)
            taken.append((call, result))
        return taken

    def _run(self, call: int, prepare: Callable[[], T]) -> None:
        if call not in self._open:
            return
        result: T | Exception
        try:
            result = prepare()
        except Exception as error:
            result = error
        except BaseException as error:
            # A panic of a native library is no Exception; nobody would hear of the call again.
            result = RuntimeError(f"{type(error).__name__}: {error}")
        self._done.append((call, result))
        self._wake()


def _size(value: Any) -> int:
    """Characters of the texts and elements of the lists in a JSON value."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(name) + _size(member) for name, member in value.items())
    if isinstance(value, list):
        # Tokens count as they are; lists of them are long.
        return len(value) + (0 if value and isinstance(value[0], int) else sum(_size(member) for member in value))
    return 1
