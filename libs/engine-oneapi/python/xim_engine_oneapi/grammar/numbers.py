"""Numbers between bounds, digit by digit: every whole number, and decimals of few digits."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from .char_sets import DIGIT, chars
from .json_text import DIGITS, any_integer, any_number
from .nodes import NEVER, Node, Repeat, Text, alt, seq
from .place import Place
from .ranges import Bound, bounds_of, natural_between

if TYPE_CHECKING:
    from .schema import Parts, SchemaGrammar

_MOST_MULTIPLES = 200
_MOST_DECIMALS = 9
_LARGEST = 10**DIGITS - 1
_MORE = 6


def to_number(grammar: SchemaGrammar, parts: Parts, whole: bool) -> Node:
    """JSON numbers that validate against all parts; `whole`: integers only."""
    least, most = bounds_of(grammar, parts)
    steps = list(grammar.document.values(parts, "multipleOf"))
    if steps:
        return _multiples(grammar, steps, least, most)
    if least is None and most is None:
        return any_integer(grammar.rules) if whole else any_number(grammar.rules)
    low, high = _whole_bounds(least, most)
    if whole:
        return signed(low, high)
    return _decimals(grammar, least, most)


def _whole_bounds(least: Bound | None, most: Bound | None, largest: int = _LARGEST) -> tuple[int, int]:
    """The least and greatest whole number between; `largest` where an end is missing."""
    low = None if least is None else math.floor(least.value) + 1 if least.open else math.ceil(least.value)
    high = None if most is None else math.ceil(most.value) - 1 if most.open else math.floor(most.value)
    if low is None:
        low = min(-largest, (high or 0) * 10)
    if high is None:
        high = max(largest, low * 10)
    return low, high


def signed(low: int, high: int, dot: int = 0) -> Node:
    """Whole numbers between; with `dot`, that many of their digits follow one. Never −0."""
    ways: list[Node] = []
    if high >= 0:
        ways.append(natural_between(max(low, 0), high, dot))
    if low < 0:
        ways.append(seq(Text("-"), natural_between(max(1, -high), -low, dot)))
    return alt([way for way in ways if way != NEVER])


def _multiples(
    grammar: SchemaGrammar, steps: list[tuple[Place, object]], least: Bound | None, most: Bound | None
) -> Node:
    place, value = steps[0]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0 or not math.isfinite(value):
        raise grammar.document.broken(place, "a number above 0")
    step = Fraction(repr(value))
    if len(steps) > 1 or step.denominator != 1:
        raise grammar.document.unsupported(place, "one whole number alone can be held to.")
    size = step.numerator
    low, high = _whole_bounds(least, most)
    low, high = -(-low // size), high // size
    if (least is not None and most is not None) and high - low < _MOST_MULTIPLES:
        return alt([Text(str(count * size)) for count in range(low, high + 1)])
    zeros = len(str(size)) - 1
    if size != 10**zeros:
        raise grammar.document.unsupported(
            place, f"it must be 1, 10, 100 …, or minimum and maximum leave at most {_MOST_MULTIPLES} values."
        )
    ways: list[Node] = [Text("0")] if low <= 0 <= high else []
    if high > 0:
        ways.append(signed(max(low, 1), high))
    if low < 0:
        ways.append(signed(low, min(high, -1)))
    return alt([way if way == Text("0") else seq(way, Text("0" * zeros)) for way in ways])


def _decimals(grammar: SchemaGrammar, least: Bound | None, most: Bound | None) -> Node:
    """Decimals of as many digits after the dot as the bounds have, and more where that cannot leave the bounds."""
    bounds = [bound for bound in (least, most) if bound is not None]
    places = max(_decimals_of(grammar, bound) for bound in bounds)
    ways = [_digits_after(least, most, places)]
    low, high = _scaled(least, most, places)
    more = min(DIGITS - max(len(str(abs(low))), len(str(abs(high))), places + 1), _MORE)
    if more > 0:
        # What is written longer than the bounds lies between two of their steps: whether they are open says nothing.
        low, high = _scaled(least and replace(least, open=False), most and replace(most, open=False), places)
        if high >= 1:
            ways.append(_longer(natural_between(max(low, 0), high - 1, places), places, more))
        if low <= -1:
            ways.append(seq(Text("-"), _longer(natural_between(max(-high, 0), -low - 1, places), places, more)))
    return alt(ways)


def _digits_after(least: Bound | None, most: Bound | None, places: int) -> Node:
    """With up to so many digits after the dot: 3 and 3.5 as well as 3.50."""
    return alt([signed(*_scaled(least, most, count), count) for count in range(places + 1)])


def _scaled(least: Bound | None, most: Bound | None, places: int) -> tuple[int, int]:
    scale = 10**places
    low, high = (each and replace(each, value=each.value * scale) for each in (least, most))
    return _whole_bounds(low, high, largest=10 ** (DIGITS - _MORE) - 1)


def _longer(start: Node, places: int, more: int) -> Node:
    # Ends in a digit that is not 0, or an open bound itself could be written longer.
    tail = seq(Repeat(DIGIT, 0, more - 1), chars(("1", "9")))
    return seq(start, Text("" if places else "."), tail)


def _decimals_of(grammar: SchemaGrammar, bound: Bound) -> int:
    for places in range(_MOST_DECIMALS + 1):
        if (bound.value * 10**places).denominator == 1 and abs(bound.value * 10**places) <= _LARGEST:
            return places
    raise grammar.document.unsupported(
        bound.place, f"expected at most {DIGITS} digits, {_MOST_DECIMALS} of them after the dot."
    )
