"""Texts out of a grammar at random, and whether a text is in one: oracles that know nothing of how schemas are read."""

from __future__ import annotations

import random
from collections.abc import Mapping

from xim_engine_oneapi.grammar.nodes import Alt, Chars, Node, Repeat, Rule, Seq, Text

ENDLESS = 10**9


class Grammar:
    def __init__(self, root: Node, bodies: Mapping[str, Node]) -> None:
        self._root = root
        self._bodies = bodies
        self._heights = dict.fromkeys(bodies, ENDLESS)
        changed = True
        while changed:
            changed = False
            for name, body in bodies.items():
                height = self._height(body)
                if height < self._heights[name]:
                    self._heights[name], changed = height, True

    def _height(self, node: Node) -> int:
        """Rules under which the shortest way out lies."""
        if isinstance(node, Rule):
            return min(self._heights[node.name] + 1, ENDLESS)
        if isinstance(node, Seq):
            return max([0, *map(self._height, node.items)])
        if isinstance(node, Alt):
            return min([ENDLESS, *map(self._height, node.items)])
        if isinstance(node, Repeat):
            return 0 if node.least == 0 else self._height(node.item)
        return 0 if isinstance(node, Text) or node.ranges else ENDLESS

    def random_text(self, chance: random.Random) -> str:
        out: list[str] = []
        self._walk(self._root, chance.choice([3, 8, 20]), chance, out)
        return "".join(out)

    def _walk(self, node: Node, depth: int, chance: random.Random, out: list[str]) -> None:
        if isinstance(node, Text):
            out.append(node.value)
        elif isinstance(node, Chars):
            low, high = chance.choice(node.ranges)
            out.append(
                chr(chance.choice([low, high, chance.randint(low, high), chance.randint(low, min(high, low + 90))]))
            )
        elif isinstance(node, Seq):
            for item in node.items:
                self._walk(item, depth, chance, out)
        elif isinstance(node, Alt):
            ways = [item for item in node.items if self._height(item) < ENDLESS]
            if depth <= 0:
                lowest = min(map(self._height, ways))
                ways = [item for item in ways if self._height(item) == lowest]
            self._walk(chance.choice(ways), depth, chance, out)
        elif isinstance(node, Repeat):
            for _ in range(self._times(node, depth, chance)):
                self._walk(node.item, depth, chance, out)
        else:
            self._walk(self._bodies[node.name], depth - 1, chance, out)

    def _times(self, node: Repeat, depth: int, chance: random.Random) -> int:
        if depth <= 0 or self._height(node.item) >= ENDLESS:
            return node.least
        most = node.least + 6 if node.most is None else node.most
        return chance.choice(
            [node.least, min(most, node.least + chance.randint(0, 4)), most if most < 60 else node.least]
        )

    def matches(self, text: str) -> bool:
        known: dict[tuple[str, int], frozenset[int]] = {}

        def ends(node: Node, at: int) -> frozenset[int]:
            if isinstance(node, Text):
                return frozenset({at + len(node.value)} if text.startswith(node.value, at) else ())
            if isinstance(node, Chars):
                fits = at < len(text) and any(low <= ord(text[at]) <= high for low, high in node.ranges)
                return frozenset({at + 1} if fits else ())
            if isinstance(node, Rule):
                if (node.name, at) not in known:
                    known[node.name, at] = ends(self._bodies[node.name], at)
                return known[node.name, at]
            if isinstance(node, Alt):
                return frozenset().union(*(ends(item, at) for item in node.items))
            if isinstance(node, Seq):
                reached = frozenset({at})
                for item in node.items:
                    reached = frozenset().union(*(ends(item, start) for start in reached))
                return reached
            reached = frozenset({at})
            for _ in range(node.least):
                reached = frozenset().union(*(ends(node.item, start) for start in reached))
            found, fresh, count = reached, reached, node.least
            while fresh and (node.most is None or count < node.most):
                fresh = frozenset().union(*(ends(node.item, start) for start in fresh)) - found
                found, count = found | fresh, count + 1
            return found

        return len(text) in ends(self._root, 0)
