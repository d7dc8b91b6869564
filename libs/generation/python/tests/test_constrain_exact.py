"""Outputs that a grammar alone would accept, or that a careless check would judge wrongly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from shapes import schema_shape, tools_shape
from xim_generation.constrain.output_check import OutputCheck
from xim_worker import InvalidInput

UNSUPPORTED = "XIM_UNSUPPORTED_PARAMETER"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
LETTER = {"x": {"type": "string", "pattern": "^x"}}


@pytest.mark.parametrize(
    ("schema", "possible", "impossible"),
    [
        # A pattern behind a reference counts in what is checked at the end.
        ({"type": "array", "contains": {"$ref": "#/$defs/x"}, "$defs": LETTER}, ['["a", "x"]'], ['["a"]']),
        ({"type": "object", "propertyNames": {"$ref": "#/$defs/x"}, "$defs": LETTER}, ['{"xy": 1}'], ['{"a": 1}']),
        ({"type": "array", "contains": {"const": {"pattern": "q"}}}, ['[{"pattern": "q"}]'], ["[{}]"]),
        ({"oneOf": [{"pattern": "^a"}, {"pattern": "^b"}], "type": "string"}, ['"a"', '"b"'], ['"c"']),
        (
            {
                "type": "string",
                "oneOf": [{"oneOf": [{"pattern": "^a"}, {"pattern": "^b"}]}, {"maxLength": 5}],
            },
            ['"axxxxx"', '"ccc"'],
            ['"axx"'],
        ),
        (
            {
                "type": "object",
                "patternProperties": {"^a": {"type": "integer"}},
                "additionalProperties": {"type": "string"},
                "minProperties": 1,
            },
            ['{"a": 1, "b": "x"}'],
            ["{}", '{"a": "x"}', '{"b": 1}'],
        ),
        # One name has one spelling where other names are excluded.
        (
            {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
            ['{"a": 1, "b": "x"}', '{"b": "\\n"}'],
            ['{"\\u0061": "x"}', '{"a": "x"}'],
        ),
        (
            {"type": "object", "properties": {"a\n": False}, "additionalProperties": True},
            ['{"b": 1}'],
            ['{"a\\u000a": 1}', '{"a\\n": 1}'],
        ),
        (
            {"type": "object", "patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": {}},
            ['{"b": "x", "a": 1}'],
            ['{"\\u0061b": "x"}'],
        ),
        # Keywords that a draft does not define have no effect in it, and a reference replaces the keywords beside it.
        (
            {"$schema": DRAFT_7, "type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}},
            ["[1]"],
            ['["a"]'],
        ),
        (
            {"$schema": DRAFT_7, "definitions": {"i": {"type": "integer"}}, "$ref": "#/definitions/i", "minimum": 5},
            ["3"],
            ["1.5"],
        ),
        ({"if": True, "unevaluatedProperties": True, "type": "integer"}, ["1"], ['"a"']),
        # Bounds beyond the exact integers of a double.
        ({"type": "integer", "maximum": 2**63 - 1}, [str(2**63 - 1)], [str(2**63)]),
        ({"type": "integer", "minimum": 2**53 + 1}, [str(2**53 + 1)], [str(2**53)]),
        ({"type": "array", "items": {"multipleOf": 0.01}, "uniqueItems": True}, ["[0.07, 0.28]"], ["[0.07, 0.07]"]),
        ({"type": "array", "uniqueItems": True}, ["[1, true]", "[0, false, [0], [false]]"], ['[{"a": 1}, {"a": 1.0}]']),
        # An output that the check cannot parse counts as cut; its text is kept.
        ({"type": "array", "uniqueItems": True}, ["[1]"], ["[" * 3000 + "]" * 3000, "[" + "1" * 5000 + "]"]),
        ({"type": "string", "format": "date"}, ['"2024-02-29"'], ['"2023-02-29"', '"2023-04-31"']),
    ],
)
def test_no_invalid_value_comes_out(schema: Any, possible: list[str], impossible: list[str]) -> None:
    shape = schema_shape(schema)
    for text in possible:
        assert shape.matches(text), text
    for text in impossible:
        assert not shape.matches(text), text


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"$schema": "http://json-schema.org/draft-03/schema#", "disallow": "string"}, "$schema"),
        (
            {
                "$ref": "#/$defs/a",
                "$defs": {"a": {"$id": "urn:a", "properties": {"p": {"$ref": "#/$defs/a"}}}},
            },
            "$defs.a.properties.p.$ref",
        ),
        ({"type": "array", "contains": {"items": {"not": {}}}}, "contains.items.not"),
        ({"propertyNames": {"pattern": "(?=a)"}}, "propertyNames.pattern"),
    ],
)
def test_refused_by_place(schema: Any, place: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        schema_shape(schema)
    assert (refused.value.param, refused.value.code) == (f"format.schema.{place}", UNSUPPORTED)


def test_an_inner_id_without_references_is_an_annotation() -> None:
    assert schema_shape({"type": "array", "items": {"$id": "/items", "type": "integer"}}).matches("[1]")


def test_a_reference_leads_to_a_schema() -> None:
    for reference in ("#/x-own", "#/examples/0", "#/$defs"):
        schema = {"properties": {"a": {"$ref": reference}}, "x-own": {"type": "null"}, "examples": [{}], "$defs": {}}
        with pytest.raises(InvalidInput, match="names no schema in this document") as refused:
            schema_shape(schema)
        assert refused.value.param == "format.schema.properties.a.$ref"


def test_a_pattern_that_backtracks_elsewhere_takes_linear_time() -> None:
    check = OutputCheck({"contains": {"pattern": "^(a+)+$"}})
    assert not check.fits(json.dumps(["a" * 5000 + "b"]))
    assert check.fits(json.dumps(["a" * 5000]))


def test_alternatives_that_share_a_reference_do_not_multiply() -> None:
    ways = [
        {"type": "object", "properties": {"c": {"$ref": "#"}, "k": {"const": kind}}, "required": ["k"]}
        for kind in (1, 2, 3)
    ]
    check = OutputCheck({"oneOf": [*ways, {"type": "null"}]})
    value: Any = None
    for level in range(30):
        value = {"k": level % 3 + 1, "c": value}
    assert check.fits(json.dumps(value))
    assert not check.fits(json.dumps(value).replace('"k": 1', '"k": 4', 1))


def test_an_output_that_takes_too_much_work_to_check_counts_as_cut() -> None:
    check = OutputCheck({"items": {"oneOf": [{"const": number} for number in range(1000)]}})
    assert check.fits(json.dumps(list(range(20))))
    assert not check.fits(json.dumps(list(range(1000))))


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"oneOf": [{"allOf": [{"$ref": "#"}]}]},
        {"contains": {"$ref": "#"}},
        {"type": ["array", "null"], "items": {"anyOf": [{"oneOf": [{"allOf": [{"$ref": "#"}]}]}]}},
        {"patternProperties": {"": {"$ref": "#"}}, "additionalProperties": {"$ref": "#"}},
    ],
)
@pytest.mark.parametrize("depth", [1, 30, 90, 200, 400])
def test_a_check_never_reaches_the_end_of_the_stack(schema: Any, depth: int) -> None:
    """At the limit of Python's stack the library's containers panic, which ends a worker."""
    check = OutputCheck(schema)
    check.fits("[" * depth + "]" * depth)
    check.fits('{"a": ' * depth + "1" + "}" * depth)
    assert OutputCheck({"type": "integer"}).fits("1")


def test_a_schema_of_another_draft_inside_is_checked_alike() -> None:
    inner = {"$schema": DRAFT_7, "type": "array", "contains": {"type": "string", "pattern": "^(a+)+$"}}
    check = OutputCheck({"type": "object", "properties": {"a": inner}})
    assert not check.fits(json.dumps({"a": ["a" * 5000 + "b"]}))


@pytest.mark.parametrize("parameters", [{"type": "array"}, {"type": ["string", "null"]}, False, {"enum": [1, "a"]}])
def test_parameters_that_no_object_fits_are_refused(parameters: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        tools_shape([{"name": "f", "parameters": parameters}])
    assert str(refused.value.param).startswith("prompt.tools")


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": ["object", "null"], "properties": {"a": {"type": "null"}}},
        {"$ref": "#/$defs/n", "$defs": {"n": {"properties": {"a": {"type": "null"}, "next": {"$ref": "#/$defs/n"}}}}},
        {"anyOf": [{"properties": {"a": {"type": "null"}}}, {"type": "string"}]},
        True,
    ],
)
def test_arguments_are_objects(parameters: Any) -> None:
    shape = tools_shape([{"name": "f", "parameters": parameters}])
    written = '<tool_call>\n{{"name": "f", "arguments": {}}}\n</tool_call>'
    assert shape.matches(written.format('{"a": null}'))
    for wrong in ("null", '"x"', "[]", "1"):
        assert not shape.matches(written.format(wrong)), wrong


def test_one_name_has_one_spelling_in_arguments_too() -> None:
    named = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "string"}}
    shape = tools_shape([{"name": "f", "parameters": named}])
    written = '<tool_call>\n{{"name": "f", "arguments": {}}}\n</tool_call>'
    assert shape.matches(written.format('{"a": 1, "b": "x"}'))
    assert not shape.matches(written.format('{"\\u0061": "x"}'))
