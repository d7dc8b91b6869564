import json
import random
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from shapes import format_shape, schema_shape
from xim_worker import InvalidInput

WALKS = 40
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
TREE = {
    "type": "object",
    "properties": {"v": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/t"}, {"type": "null"}]}},
}
NULLS = {name: {"type": "null"} for name in "abcd"}


def validator(schema: Any) -> Any:
    kind = validator_for(schema, default=Draft202012Validator) if isinstance(schema, dict) else Draft202012Validator
    return kind(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


# A schema, then values that must be possible, then values that must not.
CASES: list[tuple[Any, list[Any], list[Any]]] = [
    (True, [1, "a", None, {"a": [1.5, {}]}, []], []),
    ({}, [1, False, {"": ""}], []),
    ({"description": "x", "default": 1, "examples": [2], "title": "t", "x-own": 3}, ["a"], []),
    ({"type": "string"}, ["", "é😀", 'a"\\\n\t/\x00'], [1, None]),
    ({"type": ["integer", "null"]}, [3, -7, None, 0], ["3", 1.5]),
    ({"type": "number"}, [3, -2.25, 1e20], ["3"]),
    ({"type": "boolean"}, [True, False], [None]),
    ({"enum": ["a", 1, None, {"a": [1]}, 'x"y\n']}, ["a", 1, None, {"a": [1]}, 'x"y\n'], ["b", 2]),
    ({"enum": ["a", 1, None], "type": ["string", "null"]}, ["a", None], [1]),
    ({"enum": [[1], [1, 2], [2, 1]], "minItems": 2}, [[1, 2]], [[1]]),
    ({"const": {"b": [1, {"c": "d"}]}}, [{"b": [1, {"c": "d"}]}], [{}]),
    (
        {"type": "object", "properties": NULLS, "required": ["b"]},
        [{"b": None}, dict.fromkeys("abcd")],
        [{}, {"a": None}],
    ),
    ({"properties": {"a": {"type": "null"}}, "additionalProperties": False}, [{}, {"a": None}, 3], [{"b": 1}]),
    ({"type": "object", "properties": {'a "\\': True, "é😀": {"type": "boolean"}}}, [{'a "\\': 1, "é😀": True}], []),
    ({"type": "object", "properties": {"a": False, "b": {"type": "null"}}}, [{}, {"b": None}], [{"a": 1}]),
    ({"type": "object", "required": ["z"], "additionalProperties": {"type": "integer"}}, [{"z": 3}], [{}, {"z": "3"}]),
    (
        {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 2},
        [{}, {"x": 1, "y": 2}],
        [{"a": "b"}],
    ),
    (
        {"type": "object", "properties": NULLS, "minProperties": 2, "maxProperties": 3, "required": ["c"]},
        [{"a": None, "c": None}, {"b": None, "c": None, "d": None}],
        [{"c": None}, dict.fromkeys("abcd"), {"a": None, "b": None}],
    ),
    (
        {"type": "object", "patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False},
        [{}, {"x-a": 1, "x-": 2}],
        [{"y": 1}, {"x-a": "1"}],
    ),
    (
        {"type": "object", "propertyNames": {"enum": ["abcd", "b"]}},
        [{"abcd": 1}],
        [{"A": 1}, {"abcde": 1}],
    ),
    (
        {"type": "object", "properties": {"x": {"minimum": 1}}, "patternProperties": {"x": {"type": "integer"}}},
        [{"x": 3}],
        [{"x": 0}, {"x": 1.5}],
    ),
    (
        {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 4},
        [[True, False]],
        [[True], [True] * 5, [1, 2]],
    ),
    (
        {"type": "array", "prefixItems": [{"type": "null"}, {"type": "integer"}], "items": False},
        [[], [None], [None, 1]],
        [[1], [None, 1, 2]],
    ),
    (
        {
            "type": "array",
            "prefixItems": [{"type": "null"}, {"type": "integer"}],
            "items": {"type": "string"},
            "minItems": 3,
            "maxItems": 4,
        },
        [[None, 1, "a"], [None, 1, "a", "b"]],
        [[None, 1], [None, 1, "a", "b", "c"], [None, 1, 2]],
    ),
    (
        {"$schema": DRAFT_7, "type": "array", "items": [{"type": "null"}], "additionalItems": {"type": "integer"}},
        [[None, 1, 2]],
        [[1]],
    ),
    (
        {"type": "array", "items": {"enum": [1, "a", None]}, "uniqueItems": True, "minItems": 1},
        [[1, None], ["a"]],
        [[], [1, 1]],
    ),
    ({"type": "array", "items": True, "maxItems": 0}, [[]], [[1]]),
    ({"type": "integer", "minimum": -13, "maximum": 1200}, [-13, -1, 0, 9, 10, 999, 1000, 1200], [-14, 1201]),
    ({"type": "integer", "exclusiveMinimum": 7, "exclusiveMaximum": 9.5}, [8, 9], [7, 10]),
    ({"type": "integer", "minimum": 5}, [5, 99, 123456], [4, -5]),
    ({"type": "integer", "maximum": -5}, [-5, -99], [0, -4]),
    ({"type": "integer", "multipleOf": 100, "minimum": -250}, [0, -200, 100, 12300], [-300, 50]),
    ({"type": "integer", "multipleOf": 7, "minimum": 3, "maximum": 99}, [7, 98], [0, 8]),
    ({"type": "number", "minimum": 0, "maximum": 1}, [0, 1, 0.5, 0.123456], [1.1, -0.1, 2]),
    ({"type": "number", "exclusiveMinimum": 0}, [0.5, 0.001, 3, 1234.5], [0, -0.5]),
    ({"type": "number", "minimum": -0.25, "exclusiveMaximum": 7.5}, [-0.25, 0, 7.49, 7.4999, 3], [7.5, -0.3]),
    ({"type": "number", "maximum": -3}, [-3, -3.5, -100.25], [-2.9, 0]),
    (
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "type": "integer",
            "minimum": 2,
            "exclusiveMinimum": True,
            "maximum": 4,
        },
        [3, 4],
        [2],
    ),
    ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", "é😀a", '"\\'], ["a", "abcd"]),
    ({"type": "string", "pattern": "a+b"}, ["ab", "xaaby"], ["a", "ba"]),
    ({"type": "string", "pattern": "^a|b$", "maxLength": 5}, ["axxxx", "xxxxb"], ["xax", "xxxxxb"]),
    ({"type": "string", "pattern": "^(foo|bar)-\\d{2,4}$", "minLength": 7}, ["foo-123"], ["foo-12"]),
    (
        {"allOf": [{"type": "string", "pattern": "a"}, {"pattern": "b"}, {"pattern": "^[a-f]{2,8}$"}]},
        ["ab", "fba"],
        ["aa", "b"],
    ),
    (
        {"anyOf": [{"minimum": 3}, {"type": "string", "maxLength": 3}], "type": ["string", "number"]},
        [3, "abc", "abcd"],
        [2],
    ),
    (
        {"type": "object", "properties": NULLS, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        [{"a": None}, {"b": None}],
        [{"c": None}],
    ),
    ({"oneOf": [{"type": "integer"}, {"type": "string"}, {"enum": [None, 1.5]}]}, [1, "a", None, 1.5], [[]]),
    ({"oneOf": [{"enum": [1, 2, 3]}, {"enum": [3, 4]}]}, [1, 4], [3]),
    (
        {
            "oneOf": [
                {"properties": {"k": {"const": "a"}, "v": {"type": "integer"}}, "required": ["k"]},
                {"properties": {"k": {"const": "b"}, "w": {"$ref": "#"}}, "required": ["k", "w"]},
            ]
        },
        [{"k": "a", "v": 1}, {"k": "b", "w": {"k": "a"}}],
        [{"k": "b"}, {"k": "c"}],
    ),
    (
        {
            "allOf": [
                {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"properties": {"a": {"minimum": 5}}},
            ]
        },
        [{"a": 5}],
        [{"a": 4}, {}],
    ),
    ({"$defs": {"t": TREE}, "$ref": "#/$defs/t"}, [{"v": 1, "next": {"v": 2, "next": None}}], [{"next": 1}]),
    (
        {"definitions": {"a/b": {"type": "null"}}, "properties": {"x": {"$ref": "#/definitions/a~1b"}}},
        [{"x": None}],
        [{"x": 1}],
    ),
    (
        {
            "type": "object",
            "properties": {"b": {"type": "integer"}},
            "required": ["a"],
            "dependentRequired": {"b": ["a"]},
        },
        [{"b": 1, "a": 2}],
        [],
    ),
]


@pytest.mark.parametrize(("schema", "possible", "impossible"), CASES, ids=[json.dumps(case[0])[:80] for case in CASES])
def test_no_invalid_value_comes_out_and_the_valid_ones_may(
    schema: Any, possible: list[Any], impossible: list[Any]
) -> None:
    shape, checker, chance = schema_shape(schema), validator(schema), random.Random(7)
    for _ in range(WALKS):
        text = shape.random_text(chance)
        errors = [] if text is None else list(checker.iter_errors(json.loads(text)))
        assert not errors, f"{text}: {errors[0].message}"
    for value in possible:
        assert checker.is_valid(value)
        assert shape.matches(json.dumps(value, ensure_ascii=False)), value
    for value in impossible:
        assert not shape.matches(json.dumps(value, ensure_ascii=False)), value


FORMATS = {
    "date": ("2024-02-29", "2023-02-29"),
    "time": ("23:59:59Z", "24:00:00Z"),
    "date-time": ("2024-12-31T00:00:00.5+01:00", "2024-12-31"),
    "email": ("a.b+c@example.org", "a@"),
    "uri": ("https://example.org/a?b=c#d", "//x"),
    "ipv4": ("255.0.10.1", "256.0.0.1"),
    "ipv6": ("2001:db8::1", "1:2"),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000", "123"),
    "hostname": ("a.b-c.org", "-a"),
    "duration": ("P1Y2M3DT4H", "P"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats(name: str) -> None:
    schema = {"type": "string", "format": name}
    good, bad = FORMATS[name]
    shape = schema_shape(schema)
    assert shape.matches(json.dumps(good))
    assert not shape.matches(json.dumps(bad))


UNSUPPORTED, INVALID = "XIM_UNSUPPORTED_PARAMETER", "XIM_INVALID_INPUT"


@pytest.mark.parametrize(
    ("schema", "place", "code"),
    [
        ({"properties": {"a": {"not": {"type": "null"}}}}, "properties.a.not", UNSUPPORTED),
        ({"if": {"type": "null"}, "then": False}, "if", UNSUPPORTED),
        ({"$dynamicRef": "#a"}, "$dynamicRef", UNSUPPORTED),
        ({"type": "object", "unevaluatedProperties": False}, "unevaluatedProperties", UNSUPPORTED),
        ({"type": "array", "unevaluatedItems": False}, "unevaluatedItems", UNSUPPORTED),
        ({"$defs": {"n": {"$anchor": "here", "type": "integer"}}, "$ref": "#here"}, "$ref", UNSUPPORTED),
        ({"type": "object", "dependentSchemas": {"a": {}}}, "dependentSchemas", UNSUPPORTED),
        ({"type": "object", "dependencies": {"a": ["b"]}}, "dependencies", UNSUPPORTED),
        ({"type": "string", "pattern": "(?=a)"}, "pattern", UNSUPPORTED),
        ({"type": "string", "pattern": "(a)\\1"}, "pattern", UNSUPPORTED),
        ({"$ref": "https://example.org/schema"}, "$ref", UNSUPPORTED),
        ({"$ref": "#/$defs/none"}, "$ref", INVALID),
        ({"$ref": "#"}, "$ref", INVALID),
        ({"type": "text"}, "type", INVALID),
        ({"type": []}, "type", INVALID),
        ({"properties": []}, "properties", INVALID),
        ({"properties": {"a": 3}}, "properties.a", INVALID),
        ({"required": "a"}, "required", INVALID),
        ({"minLength": -1}, "minLength", INVALID),
        ({"minimum": "1"}, "minimum", INVALID),
        ({"anyOf": []}, "anyOf", INVALID),
        ({"enum": []}, "enum", INVALID),
        ({"enum": ["\ud800"]}, "", INVALID),
        ({"type": "string", "pattern": "(a"}, "pattern", INVALID),
        ({"type": "string", "pattern": 3}, "pattern", INVALID),
        (False, "", INVALID),
        ({"type": "object", "properties": {"a": {"type": ["x"]}}}, "properties.a.type", INVALID),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "", INVALID),
        (3, "", INVALID),
    ],
)
def test_refused_by_place(schema: Any, place: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        schema_shape(schema)
    assert (refused.value.param, refused.value.code) == (f"format.schema.{place}".rstrip("."), code)


def test_a_schema_that_explodes_is_refused() -> None:
    names = [f"p{index}" for index in range(20)]
    choices = [{"anyOf": [{"required": [name]}, {"properties": {name: {"type": "null"}}}]} for name in names]
    deep: Any = {"type": "null"}
    for _ in range(500):
        deep = {"items": deep}
    wide = {"type": "object", "properties": {f"property {index}": {"maxLength": index} for index in range(5000)}}
    for schema in ({"allOf": choices}, deep, wide):
        with pytest.raises(InvalidInput):
            schema_shape(schema)


def test_any_object_is_one_whole_object() -> None:
    shape = format_shape({"type": "json"})
    assert shape.matches('{"a": [1, {"b": null}]}')
    assert not shape.matches("[1]")
    assert not shape.matches('{"a": ')
    assert not shape.matches('{"a":     1}')
