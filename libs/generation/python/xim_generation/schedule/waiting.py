"""Sequences that wait for a slot: calls take turns, and the sequences of a call run in the order of arrival."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from .sequence import Sequence


class Waiting:
    def __init__(self) -> None:
        self._calls: dict[Hashable, deque[Sequence]] = {}  # the next call first
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, sequence: Sequence, *, front: bool = False) -> None:
        line = self._calls.setdefault(sequence.call, deque())
        if front:
            line.appendleft(sequence)
        else:
            line.append(sequence)
        self._count += 1

    def remove(self, sequence: Sequence) -> None:
        """The order of the calls does not change."""
        line = self._calls[sequence.call]
        line.remove(sequence)
        self._count -= 1
        if not line:
            del self._calls[sequence.call]

    def first(self) -> Sequence | None:
        """The next sequence that may start. It stays in the queue."""
        for line in self._calls.values():
            for sequence in line:
                first = sequence.after
                if first is None or first.over or first.computed >= first.prompt:
                    return sequence
        return None

    def start(self, sequence: Sequence) -> None:
        """Removes a sequence; the next turn of its call comes after the turns of all others."""
        self.remove(sequence)
        line = self._calls.pop(sequence.call, None)
        if line:
            self._calls[sequence.call] = line
