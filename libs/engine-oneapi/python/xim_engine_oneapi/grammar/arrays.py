"""Arrays: items one by one where they differ, then as many of the rest as are allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .inside import item_parts, prefix_of
from .json_text import COMMA, listed, to_text
from .limits import LONGEST_REPEAT
from .nodes import EMPTY, NEVER, Node, Repeat, Text, alt, optional, seq
from .place import Place
from .values import finite_values, holds

if TYPE_CHECKING:
    from .schema import Parts, SchemaGrammar

_MOST_UNIQUE = 40


def to_array(grammar: SchemaGrammar, parts: Parts) -> Node:
    document = grammar.document
    least = max([0, *document.counts(parts, "minItems")])
    most = min(document.counts(parts, "maxItems"), default=None)
    for place, value in document.values(parts, "contains"):
        if value is not True and value != {}:
            raise document.unsupported(place, "say with items what each one is.")
        least = max([least, *document.counts(parts, "minContains"), 1])
    if least > LONGEST_REPEAT:
        raise document.unsupported(Place(("minItems",)), f"at most {LONGEST_REPEAT} can be asked for.")
    fixed = max([len(prefix_of(grammar, part)) for part in parts], default=0)
    positions: list[Parts] = [item_parts(grammar, parts, index) for index in range(fixed)]
    rest = item_parts(grammar, parts, fixed)
    for index, item in enumerate([*positions, rest]):
        if grammar.flatten(item) is None:
            most = index if most is None else min(most, index)
            break
    if most is not None and most < least:
        return NEVER
    for place, value in document.values(parts, "uniqueItems"):
        if value is True and (most is None or most > 1):
            return _unique(grammar, place, rest if fixed == 0 else None, least, most)
    # Fewer than are allowed is allowed.
    most = None if most is None else min(most, max(least, LONGEST_REPEAT))
    if not fixed:
        return listed("[", grammar.value(rest), "]", least, most) if most != 0 else Text("[]")
    return _positions(grammar, positions, rest, least, most)


def _positions(grammar: SchemaGrammar, positions: list[Parts], rest: Parts, least: int, most: int | None) -> Node:
    fixed = len(positions)
    if most is None or most > fixed:
        more = seq(COMMA, grammar.value(rest))
        tail: Node = Repeat(more, max(least - fixed, 0), None if most is None else most - fixed)
    else:
        tail = EMPTY
    for index in range(min(fixed, fixed if most is None else most) - 1, -1, -1):
        item = grammar.value(positions[index])
        tail = seq(COMMA, item, tail) if index else seq(item, tail)
        if index >= least:
            tail = optional(tail)
    return seq(Text("["), tail, Text("]"))


def _unique(grammar: SchemaGrammar, place: Place, item: Parts | None, least: int, most: int | None) -> Node:
    """Some of a list of values, in the order of the list: so none comes twice."""
    flat = None if item is None else grammar.flatten(item)
    values = None if flat is None else finite_values(grammar, flat)
    if values is None or flat is None or len(values) > _MOST_UNIQUE:
        raise grammar.document.unsupported(
            place, f"only items with an enum of at most {_MOST_UNIQUE} values can be held apart."
        )
    fit = [value for value in values if all(holds(grammar, part, value) for part in flat)]
    most = len(fit) if most is None else min(most, len(fit))
    # after[count]: what may follow, from the value in hand on, where `count` are written.
    after: list[Node] = [EMPTY if least <= count <= most else NEVER for count in range(len(fit) + 2)]
    for value in reversed(fit):
        text = to_text(value)
        ways = [
            alt([seq(Text(f", {text}" if count else text), after[count + 1]), after[count]])
            for count in range(len(fit) + 1)
        ]
        after = [*(grammar.rules.add("some", way) for way in ways), NEVER]
    return seq(Text("["), after[0], Text("]"))
