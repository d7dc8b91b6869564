"""Chooses the items of the next batch: calls take turns, so that a large call delays a small call by one batch.

Calls that fit into one batch wait in one queue; larger calls, and the rest of a call, wait in a second queue. The
queues lead a batch in turn: a small call waits for at most one batch of the large calls, however many there are, and
the large calls lead at least every second batch, however many small calls arrive. Within a queue, clients take turns,
then the requests of a client.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from .handlers import Item
from .turns import Turn, TurnQueue

# Items shorter than this count as this long: the fixed cost of a row outweighs its padding.
_SHORT = 32
_PER_BATCH = 256
# Matrix units compute rows in blocks: this number of items, and multiples of it, cost the least per item.
BLOCK = 16
# The part of a batch of a large call in which short items of small calls may be padded to any width.
_GUESTS = 1 / 8


class BatchCall:
    """One call; `order` is called when its items are complete."""

    def __init__(self, call: int, request: Any, turn: Turn) -> None:
        self.id = call
        self.request = request
        self.turn = turn
        self.line: TurnQueue[BatchCall] | None = None
        """The queue in which the call waits."""
        self.source: Iterator[Item] | None = None
        self.items: list[Item] = []
        self.results: list[Any] = []
        self.waiting: list[int] = []
        """Indices of the items that no batch has, the shortest first."""
        self.unfinished = 0
        self.over = False
        """Whether it is answered or cancelled."""

    def order(self) -> None:
        self.results = [None] * len(self.items)
        self.unfinished = len(self.items)
        self.waiting = sorted(range(len(self.items)), key=lambda index: self.items[index].size)

    @property
    def length(self) -> int:
        """Tokens of the longest waiting item."""
        return max(self.items[self.waiting[-1]].size, _SHORT)


Batch = list[tuple[BatchCall, int]]


class FairBatches:
    """The calls with waiting items. Not locked: its owner is."""

    def __init__(self, batch_tokens: int) -> None:
        self._batch_tokens = batch_tokens
        self._small: TurnQueue[BatchCall] = TurnQueue()
        self._large: TurnQueue[BatchCall] = TurnQueue()
        self._small_leads = True

    @property
    def count(self) -> int:
        """Number of waiting items."""
        return sum(len(call.waiting) for line in (self._small, self._large) for call in line)

    def add(self, call: BatchCall) -> None:
        work = sum(max(item.size, _SHORT) for item in call.items)
        self._wait(call, self._small if work <= self._batch_tokens and len(call.items) <= _PER_BATCH else self._large)

    def remove(self, call: BatchCall) -> None:
        if call.line is not None:
            call.line.remove(call.turn, call)
            call.line = None

    def take(self, most: int = _PER_BATCH) -> Batch:
        """One batch of at most `most` items. At least one item must be waiting.

        The longest item of the leading call is in the batch, so no call starves. The longest item that is at most twice
        as long sets the width. Items of other calls join, of large calls in rounds, while they are at least
        half as wide (so padding never doubles the work) and the padded batch stays within the budget of tokens. Items
        of large calls do not join small ones: these would take as long as a full batch. A batch of a large call also
        takes one item of each small call, of any length up to the width, in an eighth of its rows: a small call of
        another length waits for no further batch.
        """
        lead = self._take_lead()
        leads_large = lead.line is self._large
        others = chain(self._small, self._large) if leads_large else self._small
        line = [lead, *(call for call in others if call is not lead)]
        longest = 2 * lead.length
        width = max(call.length for call in line if call.length <= longest)
        room = min(max(1, self._batch_tokens // width), most, _PER_BATCH)
        if room > BLOCK:
            room -= room % BLOCK
        batch: Batch = []
        if leads_large:
            narrow = (call for call in self._small if call.length < width / 2)
            batch += [(call, call.waiting.pop()) for call in islice(narrow, int(room * _GUESTS))]

        def joins(call: BatchCall) -> bool:
            return len(call.waiting) > 0 and width / 2 <= call.length <= width

        if leads_large:
            joining = [call for call in line if joins(call)]
            while joining and len(batch) < room:
                taking = joining[: room - len(batch)]
                batch += [(call, call.waiting.pop()) for call in taking]
                joining = [call for call in taking if joins(call)]
        else:
            # One after the other, so that the first of them end.
            for call in line:
                while len(batch) < room and joins(call):
                    batch.append((call, call.waiting.pop()))
        for call in {id(call): call for call, _ in batch}.values():
            # What is left of a small call waits among the large calls; a large call keeps its place.
            if not call.waiting or call.line is self._small:
                self.remove(call)
            if call.waiting and call.line is None:
                self._wait(call, self._large)
        return sorted(batch, key=lambda entry: entry[0].items[entry[1]].size)

    def _wait(self, call: BatchCall, line: TurnQueue[BatchCall]) -> None:
        call.line = line
        line.add(call.turn, call)

    def _take_lead(self) -> BatchCall:
        """The call whose turn it is; its turn is over, and it still waits."""
        line = self._small if self._small and (self._small_leads or not self._large) else self._large
        self._small_leads = line is self._large or not self._large
        lead = line.pop()
        line.add(lead.turn, lead)
        return lead
