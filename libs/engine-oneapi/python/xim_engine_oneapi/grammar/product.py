"""What matches several expressions at once and has a length between bounds, as rules: one for each state."""

from __future__ import annotations

from collections.abc import Sequence

from .automaton import Automaton, States, TooLarge
from .char_sets import ANY, Ranges, intersect, union
from .json_text import in_string
from .limits import MOST_STATES
from .nodes import EMPTY, NEVER, Alt, Chars, Node, Repeat, Rule, Rules, Seq, Text, alt, seq

State = tuple[tuple[States, ...], int]


def in_all(rules: Rules, nodes: Sequence[Node], least: int, most: int | None) -> Node:
    """The characters inside a JSON string. Lengths count characters; raises TooLarge."""
    return _Product(rules, [Automaton(node) for node in nodes], least, most).rule()


def length_bounds(node: Node) -> tuple[int, int | None]:
    """Characters that a match has at least and at most."""
    if isinstance(node, Chars):
        return 1, 1
    if isinstance(node, Repeat):
        least, most = length_bounds(node.item)
        return least * node.least, None if most is None or node.most is None else most * node.most
    if isinstance(node, Text):
        return len(node.value), len(node.value)
    assert isinstance(node, (Seq, Alt))
    bounds = [length_bounds(item) for item in node.items] or [(0, 0)]
    mosts = [most for _, most in bounds if most is not None]
    endless = len(mosts) < len(bounds)
    if isinstance(node, Seq):
        return sum(least for least, _ in bounds), None if endless else sum(mosts)
    return min(least for least, _ in bounds), None if endless else max(mosts)


class _Product:
    def __init__(self, rules: Rules, automata: list[Automaton], least: int, most: int | None) -> None:
        self._rules = rules
        self._automata = automata
        self._least = least
        self._most = most
        self._known: dict[State, Rule] = {}
        self._waiting: list[State] = []

    def rule(self) -> Node:
        start = (tuple(automaton.start for automaton in self._automata), 0)
        first = self._of(start)
        while self._waiting:
            state = self._waiting.pop()
            self._rules.bodies[self._known[state].name] = self._body(state)
        return first

    def _of(self, state: State) -> Rule:
        if state not in self._known:
            if len(self._known) >= MOST_STATES:
                raise TooLarge(
                    f"Together these need more than {MOST_STATES} states; expected smaller lengths or patterns."
                )
            self._known[state] = self._rules.reserve("state")
            self._waiting.append(state)
        return self._known[state]

    def _body(self, state: State) -> Node:
        sets, count = state
        over = self._most is not None and count >= self._most
        targets: dict[State, list[tuple[int, int]]] = {}
        for low, high in () if over else self._pieces(sets):
            after = tuple(one.after(states, low) for one, states in zip(self._automata, sets, strict=True))
            if all(after):
                # Where there is no upper bound, how many is of no interest once there are enough.
                longer = count + 1 if self._most is not None else min(count + 1, self._least)
                targets.setdefault((after, longer), []).append((low, high))
        loop: Node = EMPTY
        ways: list[Node] = []
        for target, pieces in targets.items():
            one = in_string(Chars(union(pieces)))
            if target == state:
                loop = Repeat(one, 0, None)
            else:
                ways.append(seq(one, self._of(target)))
        final = all(one.final(states) for one, states in zip(self._automata, sets, strict=True))
        if final and count >= self._least:
            ways.append(EMPTY)
        return seq(loop, alt(ways)) if ways else NEVER

    def _pieces(self, sets: tuple[States, ...]) -> Ranges:
        """Ranges within which every character leads to the same state."""
        borders = {border for one, states in zip(self._automata, sets, strict=True) for border in one.borders(states)}
        points = sorted({0, *borders})
        pieces = zip(points, [*(point - 1 for point in points[1:]), 0x10FFFF], strict=True)
        return tuple(part for piece in pieces for part in intersect((piece,), ANY.ranges))
