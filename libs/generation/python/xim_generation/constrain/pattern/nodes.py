"""The parts of a regular expression over characters."""

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
    """Items in sequence; without items the empty text."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Alt:
    """Alternatives; without items nothing matches."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """`least` to `most` times; `most` None = no limit."""

    item: Node
    least: int
    most: int | None


@dataclass(frozen=True)
class Anchor:
    """The beginning `^` or the end `$` of the text."""

    sign: str


Node = Text | Chars | Seq | Alt | Repeat | Anchor

EMPTY = Seq(())


def seq(*items: Node) -> Node:
    return Seq(items)


def alt(items: Iterable[Node]) -> Node:
    unique = tuple(dict.fromkeys(items))
    return unique[0] if len(unique) == 1 else Alt(unique)
