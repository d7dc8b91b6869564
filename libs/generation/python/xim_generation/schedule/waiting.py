"""Sequences that wait for a slot, in the order of turns."""

from __future__ import annotations

from collections.abc import Callable

from xim_worker import Turn, TurnQueue

from .sequence import Sequence


class Waiting:
    def __init__(self) -> None:
        self._turns: TurnQueue[Sequence] = TurnQueue()

    def __len__(self) -> int:
        return len(self._turns)

    def add(self, sequence: Sequence, *, front: bool = False) -> None:
        self._turns.add(sequence.turn, sequence, front=front)

    def remove(self, sequence: Sequence) -> None:
        """The order of the turns does not change."""
        self._turns.remove(sequence.turn, sequence)

    def first(self, may_start: Callable[[Turn], bool]) -> Sequence | None:
        """The next sequence that can start, of a request that may start one. It stays in the queue."""
        for turn, line in self._turns.lines():
            if not may_start(turn):
                continue
            for sequence in line:
                first = sequence.after
                if first is None or first.over or first.computed >= first.prompt:
                    return sequence
        return None

    def start(self, sequence: Sequence) -> None:
        """Removes a sequence; its request and its client have had their turn."""
        self._turns.take(sequence.turn, sequence)
