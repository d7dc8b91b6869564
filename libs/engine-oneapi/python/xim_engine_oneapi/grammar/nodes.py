"""What a grammar is made of: expressions over characters, and named rules that may refer to each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """Exactly these characters."""

    value: str


@dataclass(frozen=True)
class Chars:
    """One character out of a set: sorted, disjoint ranges of code points, both ends included, no surrogates."""

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Seq:
    """One after the other; without items the empty text."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Alt:
    """One of them; without items nothing matches."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """`least` to `most` times; `most` None = without an end."""

    item: Node
    least: int
    most: int | None


@dataclass(frozen=True)
class Rule:
    """What the rule of that name says."""

    name: str


Node = Text | Chars | Seq | Alt | Repeat | Rule

NEVER = Alt(())
EMPTY = Seq(())


def seq(*items: Node) -> Node:
    return Seq(items)


def alt(items: Iterable[Node]) -> Node:
    unique = tuple(dict.fromkeys(items))
    return unique[0] if len(unique) == 1 else Alt(unique)


def optional(item: Node) -> Node:
    return Repeat(item, 0, 1)


class Rules:
    """The rules of one grammar. Names are given here, so that nothing of a caller's text is ever one."""

    def __init__(self) -> None:
        self.bodies: dict[str, Node] = {}
        self._count = 0

    def reserve(self, kind: str) -> Rule:
        """A name for a rule whose body follows: what recursion needs."""
        self._count += 1
        return Rule(f"{kind}_{self._count}")

    def add(self, kind: str, body: Node) -> Rule:
        rule = self.reserve(kind)
        self.bodies[rule.name] = body
        return rule

    def once(self, name: str, body: Node) -> Rule:
        """A rule that many places share, by a name of ours."""
        self.bodies.setdefault(name, body)
        return Rule(name)
