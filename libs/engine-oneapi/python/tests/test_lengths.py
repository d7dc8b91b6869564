from __future__ import annotations

from typing import Any

import pytest
from xim_engine_oneapi.constraint import to_constraint
from xim_engine_oneapi.lengths import to_length_check
from xim_engine_oneapi.tools import ToolUse
from xim_worker import InvalidInput

LONG = {"type": "string", "maxLength": 20}
NOTE: dict[str, Any] = {"type": "object", "properties": {"note": LONG}, "required": ["note"]}


def test_a_short_bound_is_the_grammars_alone() -> None:
    assert to_length_check({"properties": {"a": {"maxLength": 16}}}, "format.schema") is None


def test_a_finished_text_is_held_to_longer_bounds_wherever_they_are() -> None:
    notes = {"type": "array", "items": {"$ref": "#/$defs/note"}}
    check = to_length_check({"anyOf": [{"type": "integer"}, notes], "$defs": {"note": NOTE}}, "format.schema")
    assert check is not None
    assert check([{"note": "x" * 20}])
    assert not check([{"note": "x" * 20}, {"note": "x" * 21}])


def test_a_callers_pattern_is_not_run() -> None:
    check = to_length_check({**LONG, "pattern": "(a+)+$", "maxLength": 100}, "format.schema")
    assert check is not None
    assert check("a" * 60 + "b")


def test_a_property_of_the_name_pattern_is_no_pattern() -> None:
    check = to_length_check({"properties": {"pattern": LONG}}, "format.schema")
    assert check is not None
    assert not check({"pattern": "x" * 21})


def test_bounds_beside_patterns_for_names_are_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        to_length_check({"patternProperties": {"^a": LONG}}, "format.schema")
    assert (refused.value.param, refused.value.code) == ("format.schema.maxLength", "XIM_UNSUPPORTED_PARAMETER")


@pytest.mark.parametrize(("characters", "kept"), [(20, True), (21, False)])
def test_arguments_of_required_calls_are_looked_at_too(characters: int, kept: bool) -> None:
    tools: list[dict[str, Any]] = [{"name": "keep", "parameters": NOTE}, {"name": "drop"}]
    constraint = to_constraint(None, ToolUse(tools, parsed=True, required=True))
    assert constraint is not None
    assert constraint.check is not None
    calls = [("drop", "{}"), ("keep", f'{{"note": "{"x" * characters}"}}')]
    text = "\n".join(
        f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>' for name, arguments in calls
    )
    assert constraint.check(text) is kept
