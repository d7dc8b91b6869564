"""A hostile schema costs a bounded time, is refused with the name of the limit, and does not affect later schemas."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from shapes import CONSTRAINTS, HERMES, format_shape, schema_shape
from xim_generation.chat.tools import ToolUse
from xim_generation.constrain.deep_stack import run_deep
from xim_worker import InvalidInput

UNSUPPORTED = "XIM_UNSUPPORTED_PARAMETER"


def chain(length: int) -> dict[str, Any]:
    """Nested arrays, each behind a reference."""
    levels = {f"d{at}": {"type": "array", "items": {"$ref": f"#/$defs/d{at + 1}"}} for at in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": {**levels, f"d{length}": {"type": "integer"}}}


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "null"}
    for _ in range(depth):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "place", "named"),
    [
        ({"type": "object", "required": [f"p{at}" for at in range(60_000)]}, ".required", "2000 required names"),
        ({"enum": list(range(40_000))}, ".enum", "20000 values"),
        ({"const": [[at] for at in range(20_000)]}, ".const", "1000 values inside values"),
        ({"const": "x" * 100_000}, ".const", "8000 characters"),
        ({"properties": {"x" * 100_000: {}}}, ".properties", "8000 characters"),
        ({"type": "integer", "multipleOf": 999_983}, ".multipleOf", "10000"),
        ({"type": "number", "multipleOf": 0.123456}, ".multipleOf", "10000"),
        ({"type": "array", "minItems": 10**9}, ".minItems", "1000000"),
        ({"patternProperties": {f"^p{at}_": {} for at in range(300)}}, ".patternProperties", "60 patterns"),
        ({"properties": {f"p{at}": {} for at in range(5_000)}}, "", "2000 parts"),
        (nested(200), "", "64 levels"),
        (nested(5_000), None, "levels"),
        ({"enum": [2**60 + 1]}, ".enum", "2^53"),
        ({"maximum": 10**400}, ".maximum", "double"),
        (
            {"$schema": "http://json-schema.org/draft-04/schema#", "enum": [{"a": at} for at in range(20_000)]},
            ".enum",
            "1000 values",
        ),
    ],
)
def test_a_limit_is_named(schema: Any, place: str | None, named: str) -> None:
    with pytest.raises(InvalidInput, match=named.replace("^", r"\^")) as refused:
        schema_shape(schema)
    assert refused.value.code == UNSUPPORTED
    if place is not None:
        assert str(refused.value.param).startswith("format.schema")
        assert str(refused.value.param).endswith(place)


def test_a_pattern_has_a_limit() -> None:
    with pytest.raises(InvalidInput, match="8000 characters") as refused:
        format_shape({"type": "regex", "pattern": "x" * 8_001})
    assert (refused.value.param, refused.value.code) == ("format.pattern", UNSUPPORTED)
    assert not format_shape({"type": "regex", "pattern": "x" * 8_000}).matches("x")


def test_a_long_chain_of_references_is_read_in_any_thread() -> None:
    """llguidance reads it recursively and needs a larger stack than the default."""
    with ThreadPoolExecutor(1) as pool:
        shape = pool.submit(schema_shape, chain(990)).result()
    assert shape.matches("[" * 990 + "1" + "]" * 990)


def test_an_exception_leaves_a_deep_stack() -> None:
    with pytest.raises(ZeroDivisionError):
        run_deep(lambda: 1 // 0)


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "properties.a.$ref"),
        ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, "items.$ref"),
        ({"type": "array", "prefixItems": [{}, {"$ref": "#"}], "minItems": 2}, "prefixItems.1.$ref"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "$defs.a.$ref"),
        ({"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}}, "$defs.a.allOf.0.$ref"),
    ],
)
def test_values_without_an_end_are_refused(schema: Any, place: str) -> None:
    with pytest.raises(InvalidInput, match="is finite") as refused:
        schema_shape(schema)
    assert str(refused.value.param) in (f"format.schema.{place}", "format.schema.$ref", "format.schema.items.$ref")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"$ref": "#"}}},
        {"type": "array", "items": {"$ref": "#"}},
        {"type": ["object", "null"], "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["a"]},
        chain(300),
    ],
)
def test_a_schema_may_refer_to_itself(schema: Any) -> None:
    schema_shape(schema)


def test_a_shape_that_takes_too_much_work_ends_its_own_output_only() -> None:
    """A text can match this pattern in very many ways."""
    hard = format_shape({"type": "regex", "pattern": "(a{1,900}){1,900}"})
    with pytest.raises(InvalidInput, match="too much work") as refused:
        hard.matches("a" * 300)
    assert (refused.value.param, refused.value.code) == ("format.pattern", UNSUPPORTED)
    assert format_shape({"type": "regex", "pattern": "(a{1,9}){1,9}"}).matches("a" * 81)
    assert schema_shape({"type": "integer"}).matches("1")


def test_few_characters_are_kept() -> None:
    """The cache has a limit on characters too, and keeps the latest entries."""
    long = [{"type": "json-schema", "schema": {"description": str(at) * 900_000}} for at in range(10)]
    first = CONSTRAINTS.compile(long[0], ToolUse([]), HERMES)
    assert CONSTRAINTS.compile(long[0], ToolUse([]), HERMES) is first
    last = [CONSTRAINTS.compile(each, ToolUse([]), HERMES) for each in long[1:]][-1]
    assert CONSTRAINTS.compile(long[0], ToolUse([]), HERMES) is not first
    assert CONSTRAINTS.compile(long[-1], ToolUse([]), HERMES) is last
