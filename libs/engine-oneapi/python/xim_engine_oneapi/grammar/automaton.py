"""Expressions without rules as automata: whether a text matches, and what matches several at once."""

from __future__ import annotations

from collections.abc import Sequence

from xim_worker import InvalidInput

from .char_sets import Ranges
from .limits import MOST_STATES
from .nodes import Alt, Chars, Node, Repeat, Seq, Text

States = frozenset[int]


class TooLarge(InvalidInput):
    """The caller's expression needs more states than it may have; `param` is set by who knows it."""


class Automaton:
    """Nondeterministic, after Thompson: its size is that of the expression, counted repetitions written out."""

    def __init__(self, node: Node) -> None:
        self._steps: list[list[tuple[Ranges, int]]] = []
        self._free: list[list[int]] = []
        self._closures: dict[int, States] = {}
        first = self._state()
        self._last = self._build(node, first)
        self.start = self._close((first,))

    def accepts(self, text: str) -> bool:
        states = self.start
        for char in text:
            states = self.after(states, ord(char))
            if not states:
                return False
        return self.final(states)

    def final(self, states: States) -> bool:
        return self._last in states

    def after(self, states: States, code: int) -> States:
        found = {
            target
            for state in states
            for ranges, target in self._steps[state]
            if any(low <= code <= high for low, high in ranges)
        }
        return self._close(found)

    def borders(self, states: States) -> set[int]:
        """Code points at which what follows may change."""
        return {
            border
            for state in states
            for ranges, _ in self._steps[state]
            for low, high in ranges
            for border in (low, high + 1)
        }

    def _state(self) -> int:
        if len(self._steps) >= MOST_STATES * 10:
            raise TooLarge(f"A pattern needs more than {MOST_STATES * 10} states; expected smaller repetitions.")
        self._steps.append([])
        self._free.append([])
        return len(self._steps) - 1

    def _build(self, node: Node, start: int) -> int:
        if isinstance(node, Text):
            for char in node.value:
                start = self._step(((ord(char), ord(char)),), start)
            return start
        if isinstance(node, Chars):
            return self._step(node.ranges, start)
        if isinstance(node, Seq):
            for item in node.items:
                start = self._build(item, start)
            return start
        if isinstance(node, Alt):
            end = self._state()
            for item in node.items:
                self._free[self._build(item, self._branch(start))].append(end)
            return end
        assert isinstance(node, Repeat)
        return self._repeat(node, start)

    def _repeat(self, node: Repeat, start: int) -> int:
        for _ in range(node.least):
            start = self._build(node.item, start)
        end = self._state()
        if node.most is None:
            loop = self._branch(start)
            self._free[self._build(node.item, loop)].append(loop)
            self._free[loop].append(end)
            return end
        for _ in range(node.most - node.least):
            self._free[start].append(end)
            start = self._build(node.item, self._branch(start))
        self._free[start].append(end)
        return end

    def _branch(self, start: int) -> int:
        state = self._state()
        self._free[start].append(state)
        return state

    def _step(self, ranges: Ranges, start: int) -> int:
        end = self._state()
        self._steps[start].append((ranges, end))
        return end

    def _close(self, states: Sequence[int] | set[int]) -> States:
        return frozenset().union(*(self._closure(state) for state in states))

    def _closure(self, state: int) -> States:
        if state not in self._closures:
            found, waiting = {state}, [state]
            while waiting:
                for target in self._free[waiting.pop()]:
                    if target not in found:
                        found.add(target)
                        waiting.append(target)
            # States with neither a step nor the end say nothing.
            self._closures[state] = frozenset(one for one in found if self._steps[one] or one == self._last)
        return self._closures[state]
