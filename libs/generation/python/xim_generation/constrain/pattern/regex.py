"""ECMA-262 patterns as expressions over characters: their regular part, in the syntax without flags."""

from __future__ import annotations

from typing import Any

from xim_worker import InvalidInput

from .char_sets import ANY
from .nodes import EMPTY, Alt, Chars, Node, Repeat, Seq, Text, alt, seq
from .parser import BEGIN, END, parse

_ANYTHING = Repeat(ANY, 0, None)


def whole(pattern: Any, param: str) -> Node:
    """Texts that the pattern matches from the first to the last character."""
    return _anchored(_read(pattern, param), EMPTY, EMPTY, param)


def found_in(pattern: Any, param: str) -> Node:
    """Texts with a match at any position, as JSON Schema defines it."""
    return _anchored(_read(pattern, param), _ANYTHING, _ANYTHING, param)


def to_rust(node: Node) -> str:
    """The expression in the syntax of Rust's `regex` crate, without flags or classes that depend on them."""
    if isinstance(node, Text):
        return "".join(map(_to_char, node.value))
    if isinstance(node, Chars):
        # A class without members matches nothing. The crate has no empty class, so this class excludes every character.
        ranges = "".join(f"{_to_char(chr(low))}-{_to_char(chr(high))}" for low, high in node.ranges)
        return f"[{ranges}]" if ranges else "[^\\x{0}-\\x{10FFFF}]"
    if isinstance(node, Seq):
        return "".join(map(to_rust, node.items))
    if isinstance(node, Alt):
        return f"(?:{'|'.join(map(to_rust, node.items))})"
    if isinstance(node, Repeat):
        most = "" if node.most is None else str(node.most)
        return f"(?:{to_rust(node.item)}){{{node.least},{most}}}"
    raise AssertionError("the expression contains no anchors after it is read")


def _to_char(char: str) -> str:
    return char if char.isascii() and char.isalnum() else f"\\x{{{ord(char):X}}}"


def _read(pattern: Any, param: str) -> Node:
    if not isinstance(pattern, str):
        raise InvalidInput("A pattern is not a text; expected a regular expression of ECMA-262.", param)
    return parse(pattern, param)


def _anchored(node: Node, before: Node | None, after: Node | None, param: str) -> Node:
    """The expression between `before` and `after`, or without them where an anchor stands in their place. None:
    there is no end.
    """
    if isinstance(node, Alt):
        return alt(_anchored(way, before, after, param) for way in node.items)
    items: list[Node] = list(node.items) if isinstance(node, Seq) else [node]
    while items and items[0] == BEGIN and before is not None:
        before = EMPTY
        del items[0]
    while items and items[-1] == END and after is not None:
        after = EMPTY
        del items[-1]
    if len(items) == 1 and _has_anchor(items[0]) and isinstance(items[0], (Alt, Seq)):
        return _anchored(items[0], before, after, param)
    if len(items) > 1 and _has_anchor(items[0]):
        items[0], before = _anchored(items[0], before, None, param), None
    if len(items) > 1 and _has_anchor(items[-1]):
        items[-1], after = _anchored(items[-1], None, after, param), None
    if any(map(_has_anchor, items)):
        raise InvalidInput(
            "^ and $ inside a pattern cannot be enforced; expected them at its ends only.",
            param,
            "XIM_UNSUPPORTED_PARAMETER",
        )
    return seq(before or EMPTY, *items, after or EMPTY)


def _has_anchor(node: Node) -> bool:
    if isinstance(node, (Seq, Alt)):
        return any(map(_has_anchor, node.items))
    return _has_anchor(node.item) if isinstance(node, Repeat) else node in (BEGIN, END)
