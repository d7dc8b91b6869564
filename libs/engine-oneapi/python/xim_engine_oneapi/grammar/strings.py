"""Strings: lengths, patterns and formats, each alone as it is, together by one automaton."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xim_worker import InvalidInput

from .automaton import TooLarge
from .char_sets import ANY
from .formats import FORMATS
from .json_text import QUOTE, any_string, character, in_string, rest_of_string, short_rest_of_string
from .limits import LONGEST_FLAT, LONGEST_REPEAT
from .nodes import NEVER, Node, Repeat, Seq, seq
from .place import UNSUPPORTED, Place
from .product import in_all, length_bounds
from .regex import found_in

if TYPE_CHECKING:
    from .schema import Parts, SchemaGrammar


def to_string(grammar: SchemaGrammar, parts: Parts) -> Node:
    """JSON strings that validate against all parts."""
    document = grammar.document
    least = max([0, *document.counts(parts, "minLength")])
    most = min(document.counts(parts, "maxLength"), default=None)
    if least > LONGEST_REPEAT:
        at = next(part for part in parts if least in document.counts((part,), "minLength"))
        raise document.unsupported(at.under("minLength"), f"at most {LONGEST_REPEAT} can be asked for.")
    if most is not None and most < least:
        return NEVER
    if most is not None and most - least > LONGEST_FLAT:
        # Longer bounds cost a tenth of a second of every token: whoever asks for them looks at the finished text.
        most = None
    found: dict[Node, Place] = {}
    for place, pattern in document.values(parts, "pattern"):
        found[found_in(pattern, document.path(place))] = place
    for place, name in document.values(parts, "format"):
        if isinstance(name, str) and name in FORMATS:
            found[FORMATS[name]] = place
    if not found:
        if not least and most is None:
            return any_string(grammar.rules)
        rest = rest_of_string(grammar.rules) if most is None else short_rest_of_string(grammar.rules, most - least)
        return seq(QUOTE, Repeat(character(grammar.rules), least, least), rest)
    return seq(QUOTE, _inside(grammar, found, least, most), QUOTE)


def matching(grammar: SchemaGrammar, pattern: str, param: str) -> Node:
    """JSON strings in which the pattern finds a match."""
    return seq(QUOTE, grammar.rules.add("pattern", in_string(found_in(pattern, param))), QUOTE)


def _inside(grammar: SchemaGrammar, found: dict[Node, Place], least: int, most: int | None) -> Node:
    (node, place), *others = found.items()
    if not others:
        fitted = _fitted(node, least, most)
        if fitted is not None:
            return grammar.rules.add("pattern", in_string(fitted))
    try:
        return in_all(grammar.rules, list(found), least, most)
    except TooLarge as error:
        message = f"The engine oneapi cannot hold its output to {place.steps[-1]} here: {error}"
        raise InvalidInput(message, grammar.document.path(place), UNSUPPORTED) from None


def _fitted(node: Node, least: int, most: int | None) -> Node | None:
    """The expression with the lengths in it, where that needs no automaton."""
    if most is not None and node == Repeat(ANY, 0, None):
        return Repeat(ANY, least, most)
    shortest, longest = length_bounds(node)
    if shortest >= least and (most is None or (longest is not None and longest <= most)):
        return node
    items = node.items if isinstance(node, Seq) else (node,)
    open_at = [index for index, item in enumerate(items) if length_bounds(item)[0] != length_bounds(item)[1]]
    if len(open_at) != 1:
        return None
    index = open_at[0]
    item = items[index]
    if not isinstance(item, Repeat) or length_bounds(item.item) != (1, 1):
        return None
    fixed = shortest - item.least
    low = max(item.least, least - fixed)
    ends = [end for end in (item.most, None if most is None else most - fixed) if end is not None]
    high = min(ends, default=None)
    if high is not None and high < low:
        return NEVER
    return Seq((*items[:index], Repeat(item.item, low, high), *items[index + 1 :]))
