"""Between which bounds a number lies, and the digits of whole numbers between two."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from .char_sets import DIGIT, chars
from .nodes import NEVER, Node, Repeat, Text, alt, seq

if TYPE_CHECKING:
    from .place import Place
    from .schema import Parts, SchemaGrammar


@dataclass(frozen=True)
class Bound:
    """`open`: the value itself is outside. `place`: of the keyword that says so."""

    value: Fraction
    open: bool
    place: Place


def bounds_of(grammar: SchemaGrammar, parts: Parts) -> tuple[Bound | None, Bound | None]:
    """The greatest lower and the least upper bound."""
    lower = _all(grammar, parts, "minimum", "exclusiveMinimum")
    upper = _all(grammar, parts, "maximum", "exclusiveMaximum")
    return (
        max(lower, key=lambda bound: (bound.value, bound.open), default=None),
        min(upper, key=lambda bound: (bound.value, not bound.open), default=None),
    )


def _all(grammar: SchemaGrammar, parts: Parts, keyword: str, exclusive: str) -> list[Bound]:
    found: list[Bound] = []
    for part in parts:
        # The spelling of draft 4: `exclusiveMinimum: true` beside `minimum`.
        flags = [value for _, value in grammar.document.values((part,), exclusive) if isinstance(value, bool)]
        for place, value in grammar.document.values((part,), keyword):
            found.append(Bound(_number(grammar, place, value), any(flags), place))
        if not flags:
            for place, value in grammar.document.values((part,), exclusive):
                found.append(Bound(_number(grammar, place, value), True, place))
    return found


def _number(grammar: SchemaGrammar, place: Place, value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise grammar.document.broken(place, "a finite number")
    # The decimal that was written, not the double nearest to it.
    return Fraction(repr(value))


def natural_between(low: int, high: int, dot: int = 0) -> Node:
    """Whole numbers, 0 ≤ low ≤ high, without leading zeros; `dot`: as many of their last digits follow a dot."""
    ways: list[Node] = []
    width = dot + 1
    while low <= high:
        most = min(high, 10**width - 1)
        if low <= most:
            ways.append(_same_width(str(low).zfill(width), str(most).zfill(width), width - dot if dot else None))
            low = most + 1
        width += 1
    return alt(ways) if ways else NEVER


def _same_width(low: str, high: str, dot: int | None) -> Node:
    """Digits between two texts of digits of one length; a dot comes after `dot` of them."""
    if dot == 0:
        return seq(Text("."), _same_width(low, high, None))
    if not low:
        return Text("")
    after = None if dot is None else dot - 1
    first, last, rest = int(low[0]), int(high[0]), len(low) - 1
    if low[1:] == "0" * rest and high[1:] == "9" * rest:
        return seq(_digits(first, last), *_free(rest, after))
    if first == last:
        return seq(Text(low[0]), _same_width(low[1:], high[1:], after))
    ways = [seq(Text(low[0]), _same_width(low[1:], "9" * rest, after))]
    if first + 1 < last:
        ways.append(seq(_digits(first + 1, last - 1), *_free(rest, after)))
    return alt([*ways, seq(Text(high[0]), _same_width("0" * rest, high[1:], after))])


def _free(count: int, dot: int | None) -> list[Node]:
    if dot is None or dot > count:
        return [Repeat(DIGIT, count, count)] if count else []
    parts: list[Node] = [Repeat(DIGIT, dot, dot)] if dot else []
    return [*parts, Text("."), Repeat(DIGIT, count - dot, count - dot)]


def _digits(first: int, last: int) -> Node:
    return Text(str(first)) if first == last else chars((str(first), str(last)))
