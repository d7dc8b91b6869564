"""Small random schemas and values over few names, so that schema and value often share names; and values with a
small change.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

NAMES = ["a", "b", "ab", "c"]
VALUES: list[Any] = [
    *(0, 1, 2, 3, 5, 1.5, -1, "", "a", "ab", "b", "abc", None, True, False),
    *([], [1], [1, 1], ["a"], {}, {"a": 1}, {"a": "a"}, {"b": 1, "a": 2}),
]
_TYPES: list[Any] = [
    *("object", "object", "array", "array", "string", "integer", "number", "null", "boolean"),
    *(["integer", "string"], ["object", "array"], ["null", "object"]),
]
_REFERENCES = ["#/$defs/x", "#/$defs/y", "#"]


def random_value(chance: random.Random, depth: int = 0) -> Any:
    if depth > 2 or chance.random() < 0.45:
        return chance.choice(VALUES)
    if chance.random() < 0.5:
        return [random_value(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    return {name: random_value(chance, depth + 1) for name in chance.sample(NAMES, chance.randint(0, 3))}


def changed_value(value: Any, chance: random.Random) -> Any:
    """The value with one random change: a member added, removed, renamed or replaced."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        name = chance.choice(list(value))
        rest = {key: member for key, member in value.items() if key != name}
        kind = chance.randrange(4)
        if kind == 0:
            return rest
        if kind == 1:
            return {**value, chance.choice([*NAMES, name + "x"]): random_value(chance)}
        return {key: changed_value(member, chance) if key == name else member for key, member in value.items()}
    if isinstance(value, list) and value and chance.random() < 0.85:
        at = chance.randrange(len(value))
        inner = chance.choice([[], [value[at]] * 2, [changed_value(value[at], chance)]])
        return [*value[:at], *inner, *value[at + 1 :]]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return chance.choice([value + 1, -value, value + 0.5, str(value)])
    return chance.choice([f"{value}x", random_value(chance)])


def random_schema(seed: int) -> Any:
    chance = random.Random(seed)
    schema = _schema(chance, 0)
    if not isinstance(schema, dict):
        return schema
    return {**schema, "$defs": {"x": _schema(chance, 1), "y": _schema(chance, 1)}}


def _schema(chance: random.Random, depth: int) -> Any:
    def inner() -> Any:
        return _schema(chance, depth + 1)

    if depth > 3:
        return chance.choice([True, {}, {"type": "integer"}, {"type": "string"}, {"const": chance.choice(VALUES)}])
    kind = chance.random()
    if kind < 0.04:
        return chance.choice([True, False])
    if kind < 0.1:
        return {"$ref": chance.choice(_REFERENCES)}
    schema: dict[str, Any] = {"type": chance.choice(_TYPES)} if chance.random() < 0.55 else {}
    types = schema.get("type", ["object", "array", "string", "integer"])
    for name in types if isinstance(types, list) else [types]:
        for keyword, (odds, make) in _keywords(chance, inner).get(name, {}).items():
            if chance.random() < odds * (1 if "type" in schema else 0.3):
                schema[keyword] = make()
    for keyword, odds in {"anyOf": 0.12, "oneOf": 0.12, "allOf": 0.1}.items():
        if chance.random() < odds:
            schema[keyword] = [inner() for _ in range(chance.randint(1, 3))]
    if chance.random() < 0.08:
        schema["enum"] = [chance.choice(VALUES) for _ in range(chance.randint(1, 4))]
    return schema


def _keywords(chance: random.Random, inner: Callable[[], Any]) -> dict[str, dict[str, tuple[float, Callable[[], Any]]]]:
    def name() -> str:
        return chance.choice(NAMES)

    def few() -> int:
        return chance.randint(0, 3)

    numbers: dict[str, tuple[float, Callable[[], Any]]] = {
        "minimum": (0.3, lambda: chance.choice([0, 1, 1.5, -1])),
        "maximum": (0.3, lambda: chance.choice([2, 3, 1.5, 0])),
        "exclusiveMaximum": (0.2, lambda: chance.choice([2, 5])),
        "multipleOf": (0.2, lambda: chance.choice([1, 2, 3, 0.5])),
    }
    return {
        "object": {
            "properties": (0.6, lambda: {each: inner() for each in chance.sample(NAMES, chance.randint(1, 3))}),
            "required": (0.3, lambda: [name()]),
            "additionalProperties": (0.4, lambda: False if chance.random() < 0.4 else inner()),
            "patternProperties": (0.2, lambda: {chance.choice(["^a", "b$", "^[ab]+$", "c"]): inner()}),
            "minProperties": (0.1, few),
            "maxProperties": (0.1, few),
            "propertyNames": (0.1, lambda: chance.choice([{"pattern": "^a"}, {"maxLength": 1}, inner()])),
            "dependentRequired": (0.1, lambda: {name(): [name()]}),
        },
        "array": {
            "items": (0.5, inner),
            "prefixItems": (0.2, lambda: [inner() for _ in range(chance.randint(1, 2))]),
            "minItems": (0.2, few),
            "maxItems": (0.2, few),
            "uniqueItems": (0.1, lambda: True),
            "contains": (0.1, inner),
            "maxContains": (0.05, few),
        },
        "string": {
            "minLength": (0.3, few),
            "maxLength": (0.3, few),
            "pattern": (0.3, lambda: chance.choice(["^a", "b$", "^[ab]*$", "c", "^(a|ab)$", "."])),
        },
        "integer": numbers,
        "number": numbers,
    }
