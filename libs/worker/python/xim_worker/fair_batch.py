"""Which items run next: calls take turns, so that a large one delays a small one by a batch.

Calls that one batch can hold stand in one line, larger ones, and what is left of a call, in a second. The lines lead a
batch in turn: a small call waits for at most one batch of the large ones, however many they are, and the large ones
lead at least every second batch, however many small ones arrive. Within a line each call leads once before any again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .handlers import Item

# Items shorter than this count as this long: the fixed cost of a row outweighs its padding.
_SHORT = 32
_PER_BATCH = 256
# Matrix units compute rows in blocks: so many items, and multiples of it, cost the least per item.
BLOCK = 16


class BatchCall:
    """One call; `order` is called when its items are complete."""

    def __init__(self, call: int, request: Any) -> None:
        self.id = call
        self.request = request
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
        self._small: dict[int, BatchCall] = {}
        self._large: dict[int, BatchCall] = {}
        self._small_leads = True

    @property
    def count(self) -> int:
        """Items that wait."""
        return sum(len(call.waiting) for line in (self._small, self._large) for call in line.values())

    def add(self, call: BatchCall) -> None:
        work = sum(max(item.size, _SHORT) for item in call.items)
        line = self._small if work <= self._batch_tokens and len(call.items) <= _PER_BATCH else self._large
        line[call.id] = call

    def remove(self, call: BatchCall) -> None:
        self._small.pop(call.id, None)
        self._large.pop(call.id, None)

    def take(self, most: int = _PER_BATCH) -> Batch:
        """One batch of at most `most` items; there must be one that waits.

        The longest item of the leading call is in it, so that nothing starves. The longest item that is at most twice
        as long sets the width; items of every call join in rounds, one per call and round, while they are at least
        half as wide (so padding never doubles the work) and the padded batch stays within the budget of tokens.
        """
        lead = self._take_lead()
        line = [lead, *self._small.values(), *self._large.values()]
        longest = 2 * lead.length
        width = max(call.length for call in line if call.length <= longest)
        room = min(max(1, self._batch_tokens // width), most, _PER_BATCH)
        if room > BLOCK:
            room -= room % BLOCK
        batch: Batch = []
        joining = [call for call in line if call is lead or width / 2 <= call.length <= width]
        while joining and len(batch) < room:
            taking = joining[: room - len(batch)]
            batch += [(call, call.waiting.pop()) for call in taking]
            joining = [call for call in taking if call.waiting and width / 2 <= call.length <= width]
        for call in {id(call): call for call, _ in batch}.values():
            self._small.pop(call.id, None)
            if call.waiting:
                self._large[call.id] = call
            else:
                self._large.pop(call.id, None)
        return sorted(batch, key=lambda entry: entry[0].items[entry[1]].size)

    def _take_lead(self) -> BatchCall:
        line = self._small if self._small and (self._small_leads or not self._large) else self._large
        self._small_leads = line is self._large or not self._large
        return line.pop(next(iter(line)))
