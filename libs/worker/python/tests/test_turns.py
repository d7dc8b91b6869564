"""Clients take turns, the requests of a client take turns, and the items of a request keep their order."""

import pytest
from xim_worker.turns import Turn, TurnQueue, turn_of


def _filled(*entries: tuple[str, str, str]) -> TurnQueue[str]:
    line: TurnQueue[str] = TurnQueue()
    for caller, request, item in entries:
        line.add(Turn(caller, request), item)
    return line


def _popped(line: TurnQueue[str]) -> list[str]:
    return [line.pop() for _ in range(len(line))]


MANY = [("a", "1", f"a1.{number}") for number in range(3)] + [
    ("a", "2", "a2.0"),
    ("b", "1", "b1.0"),
    ("b", "1", "b1.1"),
]


def test_clients_and_their_requests_take_turns() -> None:
    assert _popped(_filled(*MANY)) == ["a1.0", "b1.0", "a2.0", "b1.1", "a1.1", "a1.2"]


def test_iteration_is_the_order_in_which_items_are_popped() -> None:
    assert list(_filled(*MANY)) == _popped(_filled(*MANY))


def test_a_client_that_comes_later_waits_for_one_turn_of_each_other() -> None:
    line = _filled(*[("bulk", str(number // 100), f"bulk {number}") for number in range(500)])
    assert line.pop() == "bulk 0"
    line.add(Turn("other", "1"), "other")
    assert [line.pop(), line.pop()] == ["bulk 100", "other"]


def test_a_call_without_a_turn_is_a_client_of_its_own() -> None:
    line: TurnQueue[str] = TurnQueue()
    for call, item in ((1, "1.0"), (1, "1.1"), (2, "2.0")):
        line.add(turn_of(call), item)
    assert _popped(line) == ["1.0", "2.0", "1.1"]


def test_removing_an_item_leaves_the_order_of_turns() -> None:
    line = _filled(*MANY)
    line.remove(Turn("a", "1"), "a1.0")
    assert _popped(line) == ["a1.1", "b1.0", "a2.0", "b1.1", "a1.2"]


def test_an_item_may_go_to_the_front_of_its_request() -> None:
    line = _filled(*MANY)
    line.add(Turn("b", "1"), "again", front=True)
    assert _popped(line)[:3] == ["a1.0", "again", "a2.0"]


def test_an_item_is_taken_out_of_order_and_its_request_has_had_its_turn() -> None:
    line = _filled(*MANY)
    line.take(Turn("a", "1"), "a1.1")
    assert _popped(line) == ["b1.0", "a2.0", "b1.1", "a1.0", "a1.2"]


def test_lines_are_the_requests_in_the_order_of_their_turns() -> None:
    found = [(turn, len(items)) for turn, items in _filled(*MANY).lines()]
    assert found == [(Turn("a", "1"), 3), (Turn("b", "1"), 2), (Turn("a", "2"), 1)]


def test_an_empty_queue_has_nothing() -> None:
    line: TurnQueue[str] = TurnQueue()
    assert [len(line), list(line), list(line.lines())] == [0, [], []]
    with pytest.raises(IndexError):
        line.pop()
