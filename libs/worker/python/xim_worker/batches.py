"""Runs a BatchHandler: takes what has arrived when a runner is free, fairly, alike in length, within a token budget."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from math import ceil
from typing import Any

from .calls import failure
from .fair_batch import BLOCK, Batch, BatchCall, FairBatches
from .handlers import BatchHandler, Event
from .preparation import Preparation
from .process import leave
from .turns import Turn, turn_of
from .wire import Connection, HostGone


class BatchRunner:
    busy = False

    def __init__(self, handler: BatchHandler, connection: Connection, batch_tokens: int) -> None:
        self._handler = handler
        self._connection = connection
        # Batches that run side by side share the threads, so each takes as long as one of them all.
        self._waiting = FairBatches(max(1, batch_tokens // handler.parallel))
        self._calls: dict[int, BatchCall] = {}
        # Items of the batches that run now.
        self._running = 0
        self._arrived = threading.Condition()
        self._preparation = Preparation(handler.prepare, self._prepared, self._fail)
        for number in range(handler.parallel):
            threading.Thread(target=self._run, name=f"batch-{number}", daemon=True).start()

    def call(self, call: int, request: Any, credit: int | None, turn: Turn | None) -> None:
        opened = BatchCall(call, request, turn or turn_of(call))
        with self._arrived:
            self._calls[call] = opened
        self._preparation.add(opened)

    def cancel(self, call: int) -> None:
        with self._arrived:
            opened = self._calls.pop(call, None)
            if opened is not None:
                opened.over = True
                self._waiting.remove(opened)

    def credit(self, call: int, amount: int) -> None:
        """An answer that comes at once is not counted."""

    def step(self) -> None:
        """Batches run in their own threads."""

    def _prepared(self, call: BatchCall) -> None:
        with self._arrived:
            if call.over:
                return
            if call.items:
                self._waiting.add(call)
                if self._is_worth_starting():
                    self._arrived.notify()
                return
            self._end(call)
        self._connection.send_events([(call.id, self._result(call))])

    def _run(self) -> None:
        try:
            while True:
                with self._arrived:
                    while not self._is_worth_starting():
                        self._arrived.wait()
                    # A fair share for each runner, in whole blocks, so that none is left with a sliver.
                    share = BLOCK * ceil(self._waiting.count / self._handler.parallel / BLOCK)
                    batch = self._waiting.take(share)
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
        items = self._waiting.count
        return items > 0 and items >= min(self._running, BLOCK)

    def _finish(self, batch: Batch) -> None:
        """Runs a batch; one that fails again in halves, down to the item whose call fails with it."""
        batch = [(call, index) for call, index in batch if not call.over]
        if not batch:
            return
        try:
            results = self._compute(batch)
        except Exception as error:
            if len(batch) == 1:
                self._fail(batch[0][0], error)
                return
            middle = len(batch) // 2
            self._finish(batch[:middle])
            self._finish(batch[middle:])
            return
        done = []
        with self._arrived:
            for (call, index), result in zip(batch, results, strict=True):
                call.results[index] = result
                call.unfinished -= 1
                if call.unfinished == 0 and not call.over:
                    self._end(call)
                    done.append(call)
        events = [(call.id, self._result(call)) for call in done]
        if events:
            self._connection.send_events(events)
        else:
            self._connection.send_alive()

    def _compute(self, batch: Batch) -> Sequence[Any]:
        results = self._handler.run([call.items[index] for call, index in batch])
        if len(results) != len(batch):
            raise RuntimeError(f"the handler gave {len(results)} results for a batch of {len(batch)} items")
        return results

    def _result(self, call: BatchCall) -> Event:
        try:
            return self._handler.finish(call.request, call.items, call.results)
        except Exception as error:
            return failure(error)

    def _fail(self, call: BatchCall, error: Exception) -> None:
        with self._arrived:
            if call.over:
                return
            self._end(call)
            self._waiting.remove(call)
        self._connection.send_events([(call.id, failure(error))])

    def _end(self, call: BatchCall) -> None:
        call.over = True
        self._calls.pop(call.id, None)
