"""Requests that arrive together reach the same step; a single request does not wait for others."""

from __future__ import annotations

import threading

import pytest
from xim_generation import preparation
from xim_generation.preparation import Preparation
from xim_worker import Turn, turn_of

NEVER = 1000.0


def _prepared(expected: int) -> tuple[Preparation[str], threading.Event]:
    woken = threading.Event()
    made: Preparation[str] = Preparation(woken.set)
    made.expected = expected
    return made, woken


def _submit(to: Preparation[str], call: int, text: str = "short") -> None:
    to.submit(call, turn_of(call), {"prompt": {"text": text}}, lambda: text)


def test_a_single_request_is_ready_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "_NEXT_SECONDS", NEVER)
    made, woken = _prepared(1)
    _submit(made, 1)
    assert woken.wait(30)
    assert made.ready
    assert made.take() == [(1, "short")]
    assert not made.ready


def test_requests_that_are_expected_together_are_ready_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "_NEXT_SECONDS", NEVER)
    monkeypatch.setattr(preparation, "_BURST_SECONDS", NEVER)
    made, woken = _prepared(3)
    reached, go = threading.Event(), threading.Event()

    def last() -> str:
        reached.set()
        go.wait(30)
        return "last"

    _submit(made, 1)
    _submit(made, 2)
    made.submit(3, turn_of(3), {}, last)
    assert reached.wait(30)
    assert not made.ready and not woken.is_set()
    go.set()
    assert woken.wait(30)
    assert made.take() == [(1, "short"), (2, "short"), (3, "last")]


@pytest.mark.parametrize("limit", ["_NEXT_SECONDS", "_BURST_SECONDS"])
def test_those_that_do_not_come_are_not_awaited_for_long(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(preparation, "_NEXT_SECONDS", NEVER)
    monkeypatch.setattr(preparation, limit, 0.001 if limit == "_NEXT_SECONDS" else 0.0)
    made, woken = _prepared(8)
    _submit(made, 1)
    assert woken.wait(30)
    assert made.take() == [(1, "short")]


def test_a_running_step_takes_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "_NEXT_SECONDS", NEVER)
    made, woken = _prepared(8)
    reached, go = threading.Event(), threading.Event()

    def second() -> str:
        reached.set()
        go.wait(30)
        return "second"

    _submit(made, 1)
    made.submit(2, turn_of(2), {}, second)
    assert reached.wait(30)
    assert made.take() == [(1, "short")]
    go.set()
    assert not woken.is_set()


def test_a_long_request_waits_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "_NEXT_SECONDS", NEVER)
    made, woken = _prepared(8)
    text = "x" * 20_000
    _submit(made, 1, text)
    assert woken.wait(30)
    assert made.take() == [(1, text)]


def test_a_cancelled_request_is_never_taken() -> None:
    made, woken = _prepared(1)
    go = threading.Event()
    made.submit(1, turn_of(1), {}, lambda: str(go.wait(30)))
    made.cancel(1)
    go.set()
    _submit(made, 2)
    taken: list[tuple[int, str | Exception]] = []
    while not taken:
        assert woken.wait(30)
        woken.clear()
        taken = made.take()
    assert taken == [(2, "short")]


def test_clients_take_turns_to_be_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "_NEXT_SECONDS", NEVER)
    monkeypatch.setattr(preparation, "_BURST_SECONDS", NEVER)
    made, woken = _prepared(7)
    reached, go = threading.Event(), threading.Event()

    def hold() -> str:
        reached.set()
        go.wait(30)
        return "held"

    made.submit(0, turn_of(0), {}, hold)
    assert reached.wait(30)
    for call in range(1, 6):
        made.submit(call, Turn("bulk", 1), {}, lambda: "bulk")
    made.submit(6, Turn("other", 1), {}, lambda: "other")
    go.set()
    assert woken.wait(30)
    assert [call for call, _ in made.take()] == [0, 1, 6, 2, 3, 4, 5]
