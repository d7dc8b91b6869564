"""Passes of the models of several windows: which run at once, and which are computed together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST_TOGETHER = 2
"""Windows in one pass. With more, the first of them would wait for long, and few of them would be saved time."""

_SECONDS_TO_JOIN = 0.005


@dataclass(eq=False)
class _Pass:
    compute: Callable[[Sequence[Any]], Sequence[Any]]
    item: Any
    group: Any
    result: Future[Any] = field(default_factory=Future)


class Lanes:
    """Threads that take one pass after the other, in the order of their arrival."""

    def __init__(self, count: int) -> None:
        self._waiting: deque[_Pass] = deque()
        self._arrived = threading.Condition()
        for number in range(count):
            threading.Thread(target=self._run, name=f"lane-{number}", daemon=True).start()

    def run(self, compute: Callable[[Sequence[T]], Sequence[R]], item: T, group: Any = None) -> R:
        """Waits for a lane and returns the one result of `compute([item])`, or raises its exception.

        Passes that wait at the same time with an equal `group`, which is not None, become one call of `compute` with
        all their items. Where that call fails, each is computed by itself, so that an item fails only itself.
        """
        asked = _Pass(compute, item, group)
        with self._arrived:
            self._waiting.append(asked)
            # All, since a lane that waits for others of a group leaves this pass to an idle lane.
            self._arrived.notify_all()
        result: R = asked.result.result()
        return result

    def _run(self) -> None:
        while True:
            together = self._next()
            if not _compute(together):
                for each in together:
                    _compute([each])
            # Otherwise these references would keep arrays in memory until the next pass.
            del together

    def _next(self) -> list[_Pass]:
        """Waits for the passes to compute, and takes them."""
        with self._arrived:
            while True:
                self._arrived.wait_for(lambda: self._waiting)
                # The window whose pass has just ended asks for its next one at once.
                self._arrived.wait_for(self._is_full, _SECONDS_TO_JOIN)
                if self._waiting:
                    return self._take()

    def _is_full(self) -> bool:
        """Whether the next passes need not wait for others of their group."""
        return not self._waiting or self._waiting[0].group is None or len(self._together()) == MOST_TOGETHER

    def _together(self) -> list[_Pass]:
        first = self._waiting[0]
        if first.group is None:
            return [first]
        return [each for each in self._waiting if each.group == first.group][:MOST_TOGETHER]

    def _take(self) -> list[_Pass]:
        together = self._together()
        for each in together:
            self._waiting.remove(each)
        return together


def _compute(together: Sequence[_Pass]) -> bool:
    """Whether the passes have their results. A single pass has one in any case: its exception."""
    try:
        results = together[0].compute([each.item for each in together])
    except BaseException as error:
        if len(together) > 1:
            return False
        together[0].result.set_exception(error)
        return True
    for each, result in zip(together, results, strict=True):
        each.result.set_result(result)
    return True
