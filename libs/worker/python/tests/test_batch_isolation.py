"""What one call may not do to another: fail it, or hold it while its own items are prepared."""

import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from xim_worker.batches import BatchRunner
from xim_worker.handlers import Context, Event, Info, InvalidInput, Item, Request


class Sent:
    """The events that went to the host, in their order."""

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[int, Event]] = queue.Queue()

    def send_events(self, events: Sequence[tuple[int, Event]]) -> None:
        for entry in events:
            self.events.put(entry)

    def send_alive(self) -> None: ...

    def next(self) -> tuple[int, Event]:
        return self.events.get(timeout=20)


class Words:
    """A handler of words. "bad" fails the batch that it is in; "gate" holds the preparation of its call."""

    parallel = 1

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.at_gate = threading.Semaphore(0)
        self.prepared: list[str] = []
        self.batches: list[list[str]] = []
        self.first = threading.Event()

    def load(self, context: Context) -> Info:
        raise AssertionError

    def prepare(self, request: Request) -> Iterator[Item]:
        for word in request["items"]:
            if word == "gate":
                self.at_gate.release()
                assert self.gate.acquire(timeout=20)
            if word == "refused":
                raise InvalidInput("no", "items.0")
            self.prepared.append(word)
            yield Item(10, word)

    def run(self, items: Sequence[Item]) -> list[str]:
        words = [item.data for item in items]
        if words == ["hold"]:
            assert self.first.wait(20)
            return words
        self.batches.append(words)
        if "bad" in words:
            raise ValueError("this word cannot be computed")
        return words if "short" not in words else words[1:]

    def finish(self, request: Request, items: Sequence[Item], results: Sequence[Any]) -> Event:
        return {"type": "result", "words": list(results)}


def start(handler: Words) -> tuple[BatchRunner, Sent]:
    sent = Sent()
    return BatchRunner(handler, sent, 10_000), sent  # type: ignore[arg-type]


def call(runner: BatchRunner, number: int, items: Iterable[str]) -> None:
    runner.call(number, {"items": list(items)}, None, None)


def test_an_item_that_fails_fails_its_own_call_only() -> None:
    handler = Words()
    runner, sent = start(handler)
    # One call of all, so that the order of the words in the batch is known to be together.
    call(runner, 1, ["a", "b", "c"])
    assert sent.next() == (1, {"type": "result", "words": ["a", "b", "c"]})
    call(runner, 2, ["hold"])
    call(runner, 3, ["x", "y"])
    call(runner, 4, ["bad", "never mind"])
    call(runner, 5, ["z"])
    handler.first.set()
    answers = dict(sent.next() for _ in range(4))
    assert answers[3]["words"] == ["x", "y"]
    assert answers[5]["words"] == ["z"]
    assert (answers[4]["code"], answers[4]["message"]) == (
        "XIM_ENGINE_REQUEST",
        "ValueError: this word cannot be computed",
    )
    assert ["bad"] in handler.batches


def test_a_handler_that_loses_a_result_fails_the_call_and_not_the_thread() -> None:
    runner, sent = start(Words())
    call(runner, 1, ["short"])
    number, event = sent.next()
    assert (number, event["type"]) == (1, "error")
    assert "0 results for a batch of 1" in event["message"]
    call(runner, 2, ["a"])
    assert sent.next() == (2, {"type": "result", "words": ["a"]})


def test_others_are_answered_while_a_call_is_prepared() -> None:
    handler = Words()
    runner, sent = start(handler)
    call(runner, 1, ["gate", "a"])
    assert handler.at_gate.acquire(timeout=20)
    call(runner, 2, ["b"])
    assert sent.next() == (2, {"type": "result", "words": ["b"]})
    call(runner, 3, ["refused"])
    assert sent.next()[1]["param"] == "items.0"
    handler.gate.release()
    assert sent.next() == (1, {"type": "result", "words": ["gate", "a"]})


def test_a_call_of_many_items_lets_others_have_their_turn() -> None:
    handler = Words()
    runner, sent = start(handler)
    # Both threads stand in a large call; each of them takes the small one after its turn, not after all its items.
    for number in (1, 2):
        call(runner, number, ["gate", *["large"] * 99, "gate", *["large"] * 99])
        assert handler.at_gate.acquire(timeout=20)
    call(runner, 3, ["small"])
    handler.gate.release(2)
    assert sent.next() == (3, {"type": "result", "words": ["small"]})
    handler.gate.release(2)
    assert {sent.next()[0], sent.next()[0]} == {1, 2}


def test_a_call_that_is_cancelled_while_it_is_prepared_is_never_computed() -> None:
    handler = Words()
    runner, sent = start(handler)
    call(runner, 1, ["gate", *["large"] * 200])
    assert handler.at_gate.acquire(timeout=20)
    runner.cancel(1)
    handler.gate.release()
    call(runner, 2, ["b"])
    assert sent.next() == (2, {"type": "result", "words": ["b"]})
    assert handler.batches == [["b"]]
    assert len(handler.prepared) <= 64 + 1
