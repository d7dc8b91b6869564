"""Objects: the named properties in the order in which they are written, or any names where none is named.

Beside named properties no others are generated, whatever `additionalProperties` allows: a model that may invent names
does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import strings
from .inside import member_parts, property_names, required_names
from .json_text import COMMA, any_object, any_string, members, to_text
from .limits import MOST_RULES
from .nodes import EMPTY, NEVER, Node, Text, alt, optional, seq
from .place import Place
from .values import holds

if TYPE_CHECKING:
    from .schema import Parts, SchemaGrammar

_REFUSED = ("dependentSchemas", "dependentRequired", "dependencies")


def to_object(grammar: SchemaGrammar, parts: Parts) -> Node:
    document = grammar.document
    required = required_names(grammar, parts)
    names = property_names(grammar, parts, required)
    for keyword in _REFUSED:
        for place, value in document.values(parts, keyword):
            if not isinstance(value, dict):
                raise document.broken(place, "an object")
            for name, needed in value.items():
                always = isinstance(needed, list) and required.issuperset(map(str, needed))
                if not always and (name in names or not names):
                    raise document.unsupported(place, "write the cases as anyOf.")
    least = max([0, *document.counts(parts, "minProperties")])
    most = min(document.counts(parts, "maxProperties"), default=None)
    if not names:
        return _open(grammar, parts, least, most)
    shapes = [(name, _member(grammar, parts, name), name in required) for name in names]
    return _named(grammar, parts, shapes, least, len(names) if most is None else most)


def _member(grammar: SchemaGrammar, parts: Parts, name: str) -> Node:
    fits = all(holds(grammar, place, name) for place, _ in grammar.document.values(parts, "propertyNames"))
    return grammar.value(member_parts(grammar, parts, name)) if fits else NEVER


def _open(grammar: SchemaGrammar, parts: Parts, least: int, most: int | None) -> Node:
    """An object of any names, all held to the same schema; or, by `patternProperties`, to one for each pattern."""
    document = grammar.document
    if least > 1:
        place = next(place for place, value in document.values(parts, "minProperties") if value == least)
        raise document.unsupported(place, "names that nobody lists may repeat; list them in properties.")
    names = tuple(place for place, _ in document.values(parts, "propertyNames"))
    patterns = [(place, value) for place, value in document.values(parts, "patternProperties") if value != {}]
    if patterns:
        return members(_by_pattern(grammar, parts, patterns, names), least, most)
    extra = tuple(place for place, _ in document.values(parts, "additionalProperties"))
    value = grammar.flatten(extra)
    if not value and value is not None and not names and most is None and not least:
        return any_object(grammar.rules)
    key = strings.to_string(grammar, names) if names else any_string(grammar.rules)
    if value is None:
        return NEVER if least else Text("{}")
    return members(seq(key, Text(": "), grammar.value(value)), least, most)


def _by_pattern(grammar: SchemaGrammar, parts: Parts, patterns: list[tuple[Place, object]], names: Parts) -> Node:
    place, value = patterns[0]
    if not isinstance(value, dict):
        raise grammar.document.broken(place, "an object of schemas")
    if len(patterns) > 1 or len(value) > 1 or names:
        raise grammar.document.unsupported(place, "one pattern alone can be held to; list the others in properties.")
    (pattern,) = value
    others = tuple(
        part.under("additionalProperties")
        for part in parts
        if "additionalProperties" in (schema := grammar.document.schema(part) or {})  # type: ignore[operator]
        and "patternProperties" not in schema  # type: ignore[operator]
    )
    key = strings.matching(grammar, pattern, grammar.document.path(place.under(pattern)))
    return seq(key, Text(": "), grammar.value((place.under(pattern), *others)))


def _named(grammar: SchemaGrammar, parts: Parts, shapes: list[tuple[str, Node, bool]], least: int, most: int) -> Node:
    """`{`, then the properties from the first on: rule by rule, for how many are written where that matters."""
    needed = sum(needs for _, _, needs in shapes)
    counted = least > needed or most < len(shapes)
    if counted and len(shapes) * (min(most, len(shapes)) + 1) > MOST_RULES // 4:
        keyword = "minProperties" if least > needed else "maxProperties"
        place = next(place for place, _ in grammar.document.values(parts, keyword))
        raise grammar.document.unsupported(place, "there are too many properties to count them.")
    rules = grammar.rules
    written = [rules.add("member", seq(Text(f"{to_text(name)}: "), value)) for name, value, _ in shapes]
    known: dict[tuple[int, int], Node] = {}

    def rest(index: int, count: int) -> Node:
        """What follows where `count` properties are written already (uncounted: none, or at least one)."""
        if count > most:
            return NEVER
        if index == len(shapes):
            return EMPTY if count >= least or not counted else NEVER
        if (index, count) not in known:
            needs = shapes[index][2]
            member = seq(COMMA, written[index]) if count else written[index]
            after = count + 1 if counted else 1
            if count and not counted:
                body = seq(member if needs else optional(member), rest(index + 1, 1))
            else:
                body = seq(member, rest(index + 1, after))
                body = body if needs else alt([body, rest(index + 1, count)])
            known[index, count] = rules.add("members", body)
        return known[index, count]

    for index in range(len(shapes) - 1, -1, -1):
        for count in range(min(index, most), -1, -1) if counted else (1, 0):
            rest(index, count)
    return seq(Text("{"), rest(0, 0), Text("}"))
