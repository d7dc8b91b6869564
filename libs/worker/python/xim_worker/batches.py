"""Runs a BatchHandler: takes what has arrived when a runner is free, fairly, alike in length, within a token budget."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from math import ceil
from typing import Any

from .calls import failure
from .handlers import BatchHandler, Event, Item, Request
from .process import leave
from .wire import Connection, HostGone

# Items shorter than this count as this long: the fixed cost of a row outweighs its padding.
_SHORT = 32
_PER_BATCH = 256
# Matrix units compute rows in blocks: so many items, and multiples of it, cost the least per item.
_BLOCK = 16


class _Call:
    def __init__(self, call: int, request: Request, items: Sequence[Item]) -> None:
        self.id = call
        self.request = request
        self.items = items
        self.results: list[Any] = [None] * len(items)
        self.waiting = sorted(range(len(items)), key=lambda index: items[index].size, reverse=True)
        self.unfinished = len(items)


Batch = list[tuple[_Call, int]]


class BatchRunner:
    busy = False

    def __init__(self, handler: BatchHandler, connection: Connection, batch_tokens: int) -> None:
        self._handler = handler
        self._connection = connection
        self._batch_tokens = batch_tokens
        self._waiting: dict[int, _Call] = {}
        # Items of the batches that run now.
        self._running = 0
        self._arrived = threading.Condition()
        for number in range(handler.parallel):
            threading.Thread(target=self._run, name=f"batch-{number}", daemon=True).start()

    def call(self, call: int, request: Request, credit: int | None) -> None:
        try:
            items = list(self._handler.prepare(request))
        except Exception as error:
            self._connection.send_events([(call, failure(error))])
            return
        with self._arrived:
            self._waiting[call] = _Call(call, request, items)
            if self._is_worth_starting():
                self._arrived.notify()

    def cancel(self, call: int) -> None:
        with self._arrived:
            self._waiting.pop(call, None)

    def credit(self, call: int, amount: int) -> None:
        """An answer that comes at once is not counted."""

    def step(self) -> None:
        """Batches run in their own threads."""

    def _run(self) -> None:
        try:
            while True:
                with self._arrived:
                    while not self._is_worth_starting():
                        self._arrived.wait()
                    # A fair share for each runner, in whole blocks, so that none is left with a sliver.
                    share = _BLOCK * ceil(self._count_waiting() / self._handler.parallel / _BLOCK)
                    batch = take_batch(self._waiting, self._batch_tokens, share)
                    self._running += len(batch)
                    if self._is_worth_starting():
                        self._arrived.notify()
                self._finish(batch)
                with self._arrived:
                    self._running -= len(batch)
                    self._arrived.notify()
        except HostGone:
            leave(1)

    def _is_worth_starting(self) -> bool:
        """Whether a free runner should start: always when nothing runs, else once it has as much to do as the others.

        A single text beside a large batch costs as much as several in the next batch, and slows the one that runs.
        """
        items = self._count_waiting()
        return items > 0 and items >= min(self._running, _BLOCK)

    def _count_waiting(self) -> int:
        return sum(len(call.waiting) for call in self._waiting.values())

    def _finish(self, batch: Batch) -> None:
        try:
            results = self._handler.run([call.items[index] for call, index in batch])
        except Exception as error:
            self._fail(batch, error)
            return
        done = []
        with self._arrived:
            for (call, index), result in zip(batch, results, strict=True):
                call.results[index] = result
                call.unfinished -= 1
                if call.unfinished == 0:
                    done.append(call)
        events = [(call.id, self._result(call)) for call in done]
        if events:
            self._connection.send_events(events)
        else:
            self._connection.send_alive()

    def _result(self, call: _Call) -> Event:
        try:
            return self._handler.finish(call.request, call.items, call.results)
        except Exception as error:
            return failure(error)

    def _fail(self, batch: Batch, error: Exception) -> None:
        failed = {call.id for call, _ in batch}
        with self._arrived:
            for call in failed:
                self._waiting.pop(call, None)
        event = failure(error)
        self._connection.send_events([(call, event) for call in failed])


def take_batch(waiting: dict[int, _Call], batch_tokens: int, most: int = _PER_BATCH) -> Batch:
    """Takes one batch out of `waiting` (a dict in order of turn) and leaves the rest there.

    The longest item of the call whose turn it is leads, so that nothing starves. The longest item that is at most
    twice as long sets the width; items of every call join in rounds, one per call and round, while they are at least
    half as wide (so padding never doubles the work) and the padded batch stays within `batch_tokens`. The leading
    call then goes to the end of the line.
    """
    lead_id, lead = next(iter(waiting.items()))
    longest = 2 * _length(lead)
    width = max(length for length in map(_length, waiting.values()) if length <= longest)
    room = min(max(1, batch_tokens // width), most, _PER_BATCH)
    if room > _BLOCK:
        room -= room % _BLOCK
    batch: Batch = []
    joining = list(waiting.values())
    while joining and len(batch) < room:
        still = []
        for call in joining:
            if len(batch) == room:
                break
            if call is not lead and not _fits(call, width):
                continue
            batch.append((call, call.waiting.pop(0)))
            if call.waiting and _fits(call, width):
                still.append(call)
        joining = still
    for call in {id(call): call for call, _ in batch}.values():
        if not call.waiting:
            waiting.pop(call.id, None)
    if lead.waiting and waiting.pop(lead_id, None) is not None:
        waiting[lead_id] = lead
    return sorted(batch, key=lambda entry: entry[0].items[entry[1]].size)


def _fits(call: _Call, width: int) -> bool:
    """Whether the call's longest waiting item may join a batch of this width."""
    return width / 2 <= _length(call) <= width


def _length(call: _Call) -> int:
    """Tokens of the call's longest waiting item."""
    return max(call.items[call.waiting[0]].size, _SHORT)
