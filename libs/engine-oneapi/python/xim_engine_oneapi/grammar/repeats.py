"""Bounded repetitions as rules that all of a grammar's repetitions of the same thing share.

The library computes for every place in a grammar which of the model's tokens fit there: about 25 ms for a place where
nearly any character does. Up to `FLAT` characters are written out, rule by rule. Longer ones are made of rules of
`SIZE` characters: few places, however many and long they are, but slower to generate, since tokens that cross
the end of such a rule are looked at again for each token that is generated.
"""

from __future__ import annotations

from collections.abc import Callable

from .limits import WIDE
from .nodes import EMPTY, Alt, Chars, Node, Repeat, Rule, Rules, Seq, alt, optional, seq

SIZE = 16
FLAT = 20


class Repeats:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._items: dict[Node, int] = {}

    def share(self, node: Node) -> Node:
        """The same expression, with its bounded repetitions as rules."""
        if isinstance(node, (Seq, Alt)):
            return type(node)(tuple(map(self.share, node.items)))
        if not isinstance(node, Repeat):
            return node
        item = self.share(node.item)
        if node.most is None:
            return (
                seq(self._exactly(item, node.least), Repeat(item, 0, None))
                if node.least > 1
                else Repeat(item, node.least, None)
            )
        if node.most <= 1 or (node.most <= SIZE * 2 and not _is_wide(item)):
            return Repeat(item, node.least, node.most)
        return seq(self._exactly(item, node.least), self._up_to(item, node.most - node.least))

    def _exactly(self, item: Node, count: int) -> Node:
        if count <= FLAT:
            return self._chain(item, count)
        chunks, rest = divmod(count, SIZE)
        parts = [self._exactly(self._chain(item, SIZE), chunks)] if chunks else []
        return seq(*parts, self._chain(item, rest)) if rest else seq(*parts)

    def _up_to(self, item: Node, count: int) -> Node:
        if count <= FLAT:
            return self._optional_chain(item, count)
        chunks, rest = divmod(count, SIZE)
        chunk = self._chain(item, SIZE)
        last = alt([self._optional_chain(item, SIZE - 1), seq(chunk, self._optional_chain(item, rest))])
        return seq(self._up_to(chunk, chunks - 1), last)

    def _chain(self, item: Node, count: int) -> Node:
        if count <= 1:
            return item if count else EMPTY
        return self._rule("exactly", item, count, lambda: seq(item, self._chain(item, count - 1)))

    def _optional_chain(self, item: Node, count: int) -> Node:
        if count <= 1:
            return optional(item) if count else EMPTY
        return self._rule("at_most", item, count, lambda: optional(seq(item, self._optional_chain(item, count - 1))))

    def _rule(self, kind: str, item: Node, count: int, body: Callable[[], Node]) -> Rule:
        number = self._items.setdefault(item, len(self._items) + 1)
        name = f"{kind}_{count}_of_{number}"
        if name not in self._rules.bodies:
            self._rules.bodies[name] = EMPTY
            self._rules.bodies[name] = body()
        return Rule(name)


def _is_wide(node: Node) -> bool:
    if isinstance(node, (Seq, Alt)):
        return any(map(_is_wide, node.items))
    if isinstance(node, Repeat):
        return _is_wide(node.item)
    return isinstance(node, Rule) or (isinstance(node, Chars) and sum(high - low for low, high in node.ranges) > WIDE)
