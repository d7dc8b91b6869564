"""ECMA-262 patterns as expressions over characters: what is regular of them, in the syntax without flags."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from xim_worker import InvalidInput

from .automaton import Automaton
from .char_sets import ANY
from .nodes import EMPTY, Alt, Node, Repeat, Seq, alt, seq
from .regex_parser import BEGIN, END, parse

_ANYTHING = Repeat(ANY, 0, None)


def whole(pattern: Any, param: str) -> Node:
    """Texts that match from their first to their last character."""
    return _anchored(_read(pattern, param), param, EMPTY)


def found_in(pattern: Any, param: str) -> Node:
    """Texts in which a match lies anywhere, as JSON Schema means it."""
    return _anchored(_read(pattern, param), param, _ANYTHING)


def matcher(pattern: Any, param: str) -> Callable[[str], bool]:
    """Whether a match lies in a text. Takes time linear in the text, whatever the pattern."""
    return node_matcher(found_in(pattern, param))


@lru_cache(maxsize=64)
def node_matcher(node: Node) -> Callable[[str], bool]:
    return Automaton(node).accepts


def _read(pattern: Any, param: str) -> Node:
    if not isinstance(pattern, str):
        raise InvalidInput("A pattern is not a text; expected a regular expression of ECMA-262.", param)
    return parse(pattern, param)


def _anchored(node: Node, param: str, around: Node) -> Node:
    """The expression with `around` on each side that has no anchor. Anchors stand at the ends of alternatives alone."""
    return alt(_side(way, param, around) for way in (node.items if isinstance(node, Alt) else (node,)))


def _side(way: Node, param: str, around: Node) -> Node:
    items = way.items if isinstance(way, Seq) else (way,)
    begins = next((index for index, item in enumerate(items) if item != BEGIN), len(items))
    rest = items[begins:]
    while rest and rest[-1] == END:
        rest = rest[:-1]
    ends = len(items) - begins - len(rest)
    if len(rest) == 1 and isinstance(rest[0], Alt) and _has_anchor(rest[0]):
        inner = _anchored(rest[0], param, around if not begins and not ends else EMPTY)
        if bool(begins) == bool(ends):
            return inner
    if any(map(_has_anchor, rest)):
        raise InvalidInput(
            "The engine oneapi does not support ^ and $ inside a pattern; expected them at its ends only.",
            param,
            "XIM_UNSUPPORTED_PARAMETER",
        )
    return seq(EMPTY if begins else around, *rest, EMPTY if ends else around)


def _has_anchor(node: Node) -> bool:
    if isinstance(node, (Seq, Alt)):
        return any(map(_has_anchor, node.items))
    return _has_anchor(node.item) if isinstance(node, Repeat) else node in (BEGIN, END)
