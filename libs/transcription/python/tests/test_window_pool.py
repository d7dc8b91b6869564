"""The order in which jobs run."""

from __future__ import annotations

import threading
from collections.abc import Generator
from functools import partial
from typing import TypeVar

import pytest
from xim_transcription.window_pool import CallGone, WindowPool

T = TypeVar("T")


def drain(generator: Generator[None, None, T]) -> T:
    while True:
        try:
            next(generator)
        except StopIteration as stop:
            value: T = stop.value
            return value


def test_a_short_call_waits_for_one_window_of_each_long_one() -> None:
    pool = WindowPool(1)
    order: list[str] = []
    begun, first = threading.Event(), threading.Event()

    def block() -> None:
        begun.set()
        first.wait(60)

    long, other, short = (pool.open(lambda: False) for _ in range(3))
    futures = [long.submit(block)]
    assert begun.wait(60)
    for name, line in (("a", long), ("b", other)):
        futures += [line.submit(partial(order.append, f"{name}{at}")) for at in range(4)]
    futures.append(short.submit(partial(order.append, "short")))
    first.set()
    for future in futures:
        future.result(60)
    assert order == ["a0", "b0", "short", "a1", "b1", "a2", "b2", "a3", "b3"]


def test_windows_of_one_call_run_side_by_side_where_there_are_workers() -> None:
    pool = WindowPool(2)
    line = pool.open(lambda: False)
    together = threading.Barrier(2)
    futures = [line.submit(lambda: together.wait(60)) for _ in range(2)]
    assert sorted(future.result(60) for future in futures) == [0, 1]


def test_a_closed_line_forgets_what_has_not_begun() -> None:
    pool = WindowPool(1)
    begun, first, done = threading.Event(), threading.Event(), []
    line, other = pool.open(lambda: False), pool.open(lambda: False)

    def job() -> None:
        begun.set()
        first.wait(60)

    line.submit(job)
    assert begun.wait(60)
    line.submit(lambda: done.append(1))
    line.close()
    last = other.submit(lambda: done.append(2))
    first.set()
    last.result(60)
    assert done == [2]


def test_a_cancelled_job_ends_at_its_next_pass() -> None:
    pool = WindowPool(1)
    gone = threading.Event()
    passes: list[int] = []

    def job() -> None:
        for number in range(100):
            passes.append(number)
            if number == 3:
                gone.set()
            pool.tick()

    line = pool.open(gone.is_set)
    with pytest.raises(CallGone):
        line.submit(job).result(60)
    assert passes == [0, 1, 2, 3]
    with pytest.raises(CallGone):
        line.submit(lambda: 1).result(60)


def test_a_job_that_fails_fails_its_call_only() -> None:
    pool = WindowPool(1)
    line = pool.open(lambda: False)

    def fail() -> None:
        raise MemoryError("too much")

    failed, fine = line.submit(fail), line.submit(lambda: "fine")
    with pytest.raises(MemoryError):
        drain(line.result(failed))
    assert drain(line.result(fine)) == "fine"


def test_who_waits_hears_of_a_cancellation() -> None:
    pool = WindowPool(1)
    go, waiting = threading.Event(), threading.Event()
    cancelled = threading.Event()

    def job() -> None:
        waiting.set()
        go.wait(60)

    line, other = pool.open(cancelled.is_set), pool.open(lambda: False)
    other.submit(job)
    assert waiting.wait(60)
    signs = line.result(line.submit(lambda: 5))
    cancelled.set()
    assert next(signs) is None
    go.set()
