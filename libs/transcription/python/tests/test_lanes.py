from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from xim_transcription.lanes import MOST_TOGETHER, Lanes

Compute = Callable[[Sequence[int]], Sequence[int]]


class Held:
    """One lane that a pass holds until `let_go`, so that the passes behind it wait together."""

    def __init__(self) -> None:
        self.lanes = Lanes(1)
        self.calls: list[list[int]] = []
        self._callers = ThreadPoolExecutor(8)
        self._let_go = threading.Event()
        began = threading.Event()

        def hold(items: Sequence[int]) -> Sequence[int]:
            began.set()
            assert self._let_go.wait(60)
            return items

        self._callers.submit(self.lanes.run, hold, 0)
        assert began.wait(60)

    def ask(self, item: int, group: Any, compute: Compute) -> Any:
        """Queues a pass, and returns when it waits."""
        waiting = len(self.lanes._waiting)
        future = self._callers.submit(self.lanes.run, compute, item, group)
        with self.lanes._arrived:
            assert self.lanes._arrived.wait_for(lambda: len(self.lanes._waiting) > waiting, 60)
        return future

    def let_go(self) -> None:
        self._let_go.set()

    def double(self, items: Sequence[int]) -> list[int]:
        self.calls.append(list(items))
        return [2 * item for item in items]


def test_passes_of_one_group_that_wait_are_computed_together_and_others_in_their_order() -> None:
    held = Held()
    asked = [held.ask(item, group, held.double) for item, group in ((1, "a"), (2, None), (3, "b"), (4, "a"), (5, None))]
    held.let_go()
    assert [future.result(60) for future in asked] == [2, 4, 6, 8, 10]
    assert held.calls == [[1, 4], [2], [3], [5]]


def test_no_more_than_the_most_are_computed_together() -> None:
    held = Held()
    asked = [held.ask(item, "a", held.double) for item in range(2 * MOST_TOGETHER + 1)]
    held.let_go()
    assert [future.result(60) for future in asked] == [2 * item for item in range(2 * MOST_TOGETHER + 1)]
    assert [len(call) for call in held.calls] == [MOST_TOGETHER, MOST_TOGETHER, 1]


def test_an_item_that_fails_fails_only_itself() -> None:
    held = Held()

    def divide(items: Sequence[int]) -> list[int]:
        return [12 // item for item in items]

    bad, good = held.ask(0, "a", divide), held.ask(3, "a", divide)
    held.let_go()
    assert good.result(60) == 4
    with pytest.raises(ZeroDivisionError):
        bad.result(60)
    # The lane goes on.
    assert held.lanes.run(divide, 4, "a") == 3


def test_lanes_run_side_by_side() -> None:
    lanes, both = Lanes(2), threading.Barrier(2, timeout=60)

    def meet(items: Sequence[int]) -> Sequence[int]:
        both.wait()
        return items

    with ThreadPoolExecutor(2) as callers:
        assert list(callers.map(lambda item: lanes.run(meet, item), (1, 2))) == [1, 2]


def test_every_pass_of_many_lanes_has_its_own_result() -> None:
    lanes = Lanes(4)

    def double(items: Sequence[int]) -> list[int]:
        return [2 * item for item in items]

    with ThreadPoolExecutor(9) as callers:
        found = callers.map(lambda item: lanes.run(double, item, (None, "a", "b")[item % 3]), range(600))
        assert list(found) == [2 * item for item in range(600)]
