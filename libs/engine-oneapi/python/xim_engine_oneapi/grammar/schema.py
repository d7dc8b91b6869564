"""A JSON Schema as grammar rules: conjunctions of schemas, one rule for each that is met."""

from __future__ import annotations

from typing import Any

from . import arrays, numbers, objects, strings
from .disjoint import are_disjoint
from .json_text import any_value, to_text
from .limits import MOST_PLACES
from .nodes import NEVER, Node, Rule, Rules, Text, alt
from .place import OBJECT, Document, Place
from .types import narrowed_types
from .values import finite_values, holds

Parts = tuple[Place, ...]

# Where no value can be generated that is sure to be held to it.
_REFUSED = {
    "not": "say what is allowed instead.",
    "if": "write the cases as anyOf.",
    "$dynamicRef": "use $ref.",
    "$recursiveRef": "use $ref.",
    "unevaluatedProperties": "use additionalProperties.",
    "unevaluatedItems": "use items.",
}


class SchemaGrammar:
    """The rules of one schema. A conjunction (`parts`) is met by a value that validates against all of its schemas."""

    def __init__(self, document: Document, rules: Rules) -> None:
        self.document = document
        self.rules = rules
        self._known: dict[frozenset[Place], Rule] = {}
        self._looked_at = 0

    def value(self, parts: Parts) -> Node:
        """What matches exactly one JSON text of a value that validates against all parts."""
        flat = self.flatten(parts)
        if flat is None:
            return NEVER
        if not flat:
            return any_value(self.rules)
        key = frozenset(flat)
        if key not in self._known:
            rule = self._known[key] = self.rules.reserve("schema")
            self.rules.bodies[rule.name] = self._body(flat)
        return self._known[key]

    def flatten(self, parts: Parts) -> Parts | None:
        """Without `$ref`, `allOf` and schemas that allow all; None where one of them allows nothing."""
        flat: dict[Place, None] = {}
        return tuple(flat) if all(self._flatten(part, flat, ()) for part in parts) else None

    def _flatten(self, part: Place, flat: dict[Place, None], open_parts: Parts) -> bool:
        self._looked_at += 1
        if self._looked_at > MOST_PLACES:
            raise self.document.broken(Place(), "a smaller schema: its alternatives multiply")
        schema = self.document.schema(part)
        if isinstance(schema, bool):
            return schema
        if part in open_parts:
            raise self.document.broken(part, "a schema that does not refer to itself without an end")
        inner, rest = (*open_parts, part), part
        if "$ref" in schema:
            if not self._flatten(self.document.resolve(part), flat, inner):
                return False
            if self.document.old:
                return True
            rest = rest.without("$ref")
        if "allOf" in schema:
            branches = self.document.branches(part.under("allOf"))
            if not all(self._flatten(branch, flat, inner) for branch in branches):
                return False
            rest = rest.without("allOf")
        if self.document.schema(rest):
            flat[rest] = None
        return True

    def _body(self, parts: Parts) -> Node:
        values = finite_values(self, parts)
        if values is not None:
            return alt([Text(to_text(value)) for value in values if all(holds(self, part, value) for part in parts)])
        for keyword, advice in _REFUSED.items():
            for place, value in self.document.values(parts, keyword):
                # `true`, but `"not": false`, asks for nothing.
                if value is not (keyword != "not"):
                    raise self.document.unsupported(place, advice)
        for index, part in enumerate(parts):
            schema = self.document.schema(part)
            for keyword in ("anyOf", "oneOf"):
                if isinstance(schema, dict) and keyword in schema:
                    rest = (*parts[:index], part.without(keyword), *parts[index + 1 :])
                    return self._choice(part.under(keyword), rest, exclusive=keyword == "oneOf")
        return self._typed(parts)

    def _choice(self, place: Place, rest: Parts, exclusive: bool) -> Node:
        branches = self.document.branches(place)
        ways: list[Node] = []
        for branch in branches:
            mine = self.flatten((*rest, branch))
            if mine is None:
                continue
            others = [other for other in branches if other != branch] if exclusive else []
            values = finite_values(self, mine)
            if values is not None:
                fit = [value for value in values if all(holds(self, part, value) for part in mine)]
                ways += [
                    Text(to_text(value)) for value in fit if not any(holds(self, other, value) for other in others)
                ]
                continue
            for other in others:
                if not are_disjoint(self, mine, (other,)):
                    raise self.document.unsupported(
                        place,
                        f"a value may match both {branch.steps[-1]} and {other.steps[-1]}; use anyOf, or tell them "
                        "apart by a required property with const.",
                    )
            ways.append(self.value(mine))
        return alt(ways)

    def _typed(self, parts: Parts) -> Node:
        types = narrowed_types(self.document, parts)
        ways: list[Node] = []
        if "object" in types:
            ways.append(objects.to_object(self, parts))
        if "array" in types:
            ways.append(arrays.to_array(self, parts))
        if "string" in types:
            ways.append(strings.to_string(self, parts))
        if "integer" in types or "fraction" in types:
            ways.append(numbers.to_number(self, parts, whole="fraction" not in types))
        ways += [Text(text) for text in ("true", "false") if "boolean" in types]
        ways += [Text("null")] if "null" in types else []
        return alt(ways)


def to_rules(schema: Any, param: str, rules: Rules, *, objects_only: bool = False) -> Node:
    """The values that validate against a schema of a caller's; `param` is the schema's path in the task's input."""
    parts = (Place(), OBJECT) if objects_only else (Place(),)
    return SchemaGrammar(Document(schema, param), rules).value(parts)
