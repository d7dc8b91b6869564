"""When a runner starts: never a sliver beside a batch, and always when nothing runs."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from xim_worker.batches import BatchRunner
from xim_worker.handlers import Context, Event, Info, Item


class Gate:
    """A handler whose batches run until they are let go; `sizes` has the batches in the order of their start."""

    parallel = 2

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.go = threading.Semaphore(0)

    def load(self, context: Context) -> Info:
        raise AssertionError

    def prepare(self, request: Any) -> list[Item]:
        return [Item(10, None)] * int(request["items"])

    def run(self, items: Sequence[Item]) -> list[int]:
        self.sizes.append(len(items))
        assert self.go.acquire(timeout=20)
        return [0] * len(items)

    def finish(self, request: Any, items: Sequence[Item], results: Sequence[Any]) -> Event:
        return {"type": "result"}


class Sent:
    def __init__(self) -> None:
        self.calls: list[int] = []

    def send_events(self, events: Sequence[tuple[int, Event]]) -> None:
        self.calls += [call for call, _ in events]

    def send_alive(self) -> None: ...


def start() -> tuple[BatchRunner, Gate, Sent]:
    gate, sent = Gate(), Sent()
    return BatchRunner(gate, sent, 10_000), gate, sent  # type: ignore[arg-type]


def until(condition: Any) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_an_idle_engine_takes_one_text_at_once() -> None:
    runner, gate, sent = start()
    runner.call(1, {"items": 1}, None, None)
    until(lambda: gate.sizes == [1])
    gate.go.release()
    until(lambda: sent.calls == [1])


def test_a_single_text_waits_beside_a_batch_and_joins_the_next() -> None:
    runner, gate, sent = start()
    runner.call(1, {"items": 10}, None, None)
    until(lambda: gate.sizes == [10])
    runner.call(2, {"items": 1}, None, None)
    runner.call(3, {"items": 1}, None, None)
    with runner._arrived:
        assert not runner._is_worth_starting()
    assert gate.sizes == [10]
    gate.go.release()
    until(lambda: gate.sizes == [10, 2])
    gate.go.release()
    until(lambda: sorted(sent.calls) == [1, 2, 3])


def test_as_much_work_again_runs_beside() -> None:
    runner, gate, sent = start()
    runner.call(1, {"items": 4}, None, None)
    until(lambda: gate.sizes == [4])
    runner.call(2, {"items": 4}, None, None)
    until(lambda: gate.sizes == [4, 4])
    gate.go.release(2)
    until(lambda: sorted(sent.calls) == [1, 2])


def test_much_work_is_shared_in_whole_blocks() -> None:
    runner, gate, sent = start()
    runner.call(1, {"items": 60}, None, None)
    until(lambda: gate.sizes == [32, 16])
    gate.go.release(3)
    until(lambda: sent.calls == [1])
