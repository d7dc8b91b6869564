"""Whether no value that is generated for some schemas can validate against others: what `oneOf` asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .inside import member_parts, property_names, required_names
from .types import allowed_types, narrowed_types
from .values import finite_values, holds

if TYPE_CHECKING:
    from .schema import Parts, SchemaGrammar

_DEEPEST = 6


def are_disjoint(grammar: SchemaGrammar, mine: Parts, other: Parts, depth: int = 0) -> bool:
    """False where it cannot be told. `mine` is what is generated, `other` what a value may be in full."""
    document = grammar.document
    flat, theirs = grammar.flatten(mine), grammar.flatten(other)
    if flat is None or theirs is None:
        return True
    if depth > _DEEPEST:
        return False
    for values, rest in ((finite_values(grammar, flat), theirs), (finite_values(grammar, theirs), flat)):
        if values is not None:
            return not any(all(holds(grammar, part, value) for part in (*rest, *flat)) for value in values)
    common = narrowed_types(document, flat) & allowed_types(document, theirs)
    if not common or (common == {"object"} and _objects_are(grammar, flat, theirs, depth)):
        return True
    for parts, swap in ((flat, False), (theirs, True)):
        for index, part in enumerate(parts):
            for keyword in ("anyOf", "oneOf"):
                if any(True for _ in document.values((part,), keyword)):
                    rest = (*parts[:index], part.without(keyword), *parts[index + 1 :])
                    ways = [(*rest, branch) for branch in document.branches(part.under(keyword))]
                    return all(
                        are_disjoint(grammar, *((flat, way) if swap else (way, theirs)), depth + 1) for way in ways
                    )
    return False


def _objects_are(grammar: SchemaGrammar, flat: Parts, theirs: Parts, depth: int) -> bool:
    """By a property that one of them requires, and that the other never has or never with the same value."""
    my_required, their_required = required_names(grammar, flat), required_names(grammar, theirs)
    my_names = property_names(grammar, flat, my_required)
    if my_names and not their_required.issubset(my_names):
        return True
    return any(
        are_disjoint(grammar, member_parts(grammar, flat, name), member_parts(grammar, theirs, name), depth + 1)
        for name in sorted(my_required | their_required)
    )
