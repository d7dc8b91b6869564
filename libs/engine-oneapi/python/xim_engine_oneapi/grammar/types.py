"""Which types a conjunction of schemas allows. `number` is two of them here: `integer` and `fraction`."""

from __future__ import annotations

from typing import Any

from .place import Document, Place

TYPES = frozenset({"null", "boolean", "integer", "fraction", "string", "array", "object"})

_NAMES = {name: frozenset({name}) for name in TYPES - {"fraction"}} | {"number": frozenset({"integer", "fraction"})}

# What a schema speaks of when it names no type.
_SPOKEN_OF = {
    "object": (
        *("properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties"),
        *("maxProperties", "dependentRequired", "dependentSchemas", "dependencies"),
    ),
    "array": ("items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def allowed_types(document: Document, parts: tuple[Place, ...]) -> frozenset[str]:
    """As JSON Schema says: every type where none is named."""
    types = TYPES
    for place, value in document.values(parts, "type"):
        names = value if isinstance(value, list) else [value]
        if not names or not all(isinstance(name, str) and name in _NAMES for name in names):
            raise document.broken(place, f"one or more of {', '.join(sorted(_NAMES))}")
        types &= frozenset().union(*(_NAMES[name] for name in names))
    return types


def narrowed_types(document: Document, parts: tuple[Place, ...]) -> frozenset[str]:
    """Where a part names no type but has keywords of some, those: `{"properties": …}` means an object to its author."""
    types = allowed_types(document, parts)
    if types != TYPES:
        return types
    keywords = {keyword for part in parts for keyword in _keywords(document, part)}
    spoken_of = [_NAMES[name] for name, known in _SPOKEN_OF.items() if keywords.intersection(known)]
    return frozenset().union(*spoken_of) if spoken_of else types


def _keywords(document: Document, part: Place) -> Any:
    schema = document.schema(part)
    return () if isinstance(schema, bool) else schema


def type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "integer" if value % 1 == 0 else "fraction"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"
