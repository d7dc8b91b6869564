"""Finds references without a finite value: an object that requires itself, a loop of references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

# Passes over all references. A chain takes one or two; the grammar's own limits handle longer chains.
_MOST_PASSES = 20


def find_endless(schema: Any) -> set[str]:
    """References of a normalised schema whose targets have no finite value. May miss some; never reports a wrong
    one.
    """
    targets = {reference: _target(schema, reference) for reference in _references(schema)}
    finite = {reference for reference, target in targets.items() if target is None}
    for number in range(_MOST_PASSES):
        before = len(finite)
        pending = [reference for reference in targets if reference not in finite]
        for reference in pending if number % 2 else reversed(pending):
            if _ends(targets[reference], finite):
                finite.add(reference)
        if len(finite) == before:
            return set(targets) - finite
    return set()


def _ends(schema: Any, finite: set[str]) -> bool:
    """Whether some value of the schema is finite, by the keywords that hold for all its values. True if unknown."""
    if not isinstance(schema, dict):
        return bool(schema)
    if "$ref" in schema and schema["$ref"] not in finite:
        return False
    if not all(_ends(each, finite) for each in schema.get("allOf", [])):
        return False
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema and not any(_ends(each, finite) for each in schema[keyword]):
            return False
    types = schema.get("type", [])
    kinds = types if isinstance(types, list) else [types]
    if not kinds or set(kinds) - {"object", "array"} or "enum" in schema or "const" in schema:
        return True
    return ("object" in kinds and _object_ends(schema, finite)) or ("array" in kinds and _array_ends(schema, finite))


def _object_ends(schema: dict[str, Any], finite: set[str]) -> bool:
    if "patternProperties" in schema:
        return True
    listed, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    return all(_ends(listed.get(name, others), finite) for name in schema.get("required", []))


def _array_ends(schema: dict[str, Any], finite: set[str]) -> bool:
    least = schema.get("minItems", 0)
    items = schema.get("items", True)
    first = items if isinstance(items, list) else schema.get("prefixItems", [])
    rest = schema.get("additionalItems", True) if isinstance(items, list) else items
    needed = first[: int(least)]
    return all(_ends(each, finite) for each in needed) and (least <= len(first) or _ends(rest, finite))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            if key == "$ref" and isinstance(member, str):
                yield member
            elif key not in ("enum", "const"):
                yield from _references(member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member)


def _target(schema: Any, reference: str) -> Any:
    """None if the reader has moved the target."""
    for part in reference.split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(schema, list):
            schema = schema[int(name)] if name.isdecimal() and int(name) < len(schema) else None
        else:
            schema = schema.get(name) if isinstance(schema, dict) else None
    return schema
