import json
from typing import Any

import pytest
from grammar_oracle import Grammar
from xim_engine_oneapi.grammar import tool_grammar, tool_parts
from xim_engine_oneapi.grammar.tools import tool_calls
from xim_worker import InvalidInput

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS: list[dict[str, Any]] = [{"name": "weather", "parameters": CITY}, {"name": 'odd "name"'}]
FRAME = {"begin": "<tool_call>\n", "end": "\n</tool_call>", "separator": "\n"}


def call(name: str, arguments: object) -> str:
    return f'<tool_call>\n{{"name": {json.dumps(name)}, "arguments": {json.dumps(arguments)}}}\n</tool_call>'


def grammar_of(name: str | None, parallel: bool) -> Grammar:
    root, rules = tool_calls(TOOLS, name=name, parallel=parallel, **FRAME)
    return Grammar(root, rules.bodies)


def test_one_call_of_any_tool() -> None:
    grammar = grammar_of(None, parallel=False)
    assert grammar.matches(call("weather", {"city": "Oslo"}))
    assert grammar.matches(call('odd "name"', {"a": [1, {}]}))
    assert not grammar.matches(call("weather", {"town": "Oslo"}))
    assert not grammar.matches(call("other", {}))
    assert not grammar.matches(call('odd "name"', [1]))
    assert not grammar.matches(call("weather", {"city": "Oslo"}) + "\n" + call("weather", {"city": "Rome"}))
    assert not grammar.matches("")


def test_several_calls_or_a_named_one() -> None:
    two = call("weather", {"city": "Oslo"}) + "\n" + call('odd "name"', {})
    assert grammar_of(None, parallel=True).matches(two)
    assert not grammar_of("weather", parallel=True).matches(two)
    assert grammar_of("weather", parallel=True).matches(call("weather", {"city": ""}))


def test_parameters_are_objects_whatever_their_schema_says() -> None:
    with pytest.raises(InvalidInput, match="No value"):
        tool_grammar([{"name": "f", "parameters": {"type": "string"}}], name=None, parallel=False, **FRAME)


def test_errors_name_the_place() -> None:
    tools = [*TOOLS, {"name": "f", "parameters": {"properties": {"a": {"not": {}}}}}]
    for make in (
        lambda: tool_grammar(tools, name=None, parallel=True, **FRAME),
        lambda: tool_parts(tools, begin="<", end=">"),
    ):
        with pytest.raises(InvalidInput) as refused:
            make()
        assert refused.value.param == "prompt.tools.2.parameters.properties.a.not"
    with pytest.raises(InvalidInput) as unknown:
        tool_grammar(TOOLS, name="other", parallel=False, **FRAME)
    assert unknown.value.param == "prompt.toolChoice.name"


def test_parts_of_a_call_in_free_text() -> None:
    first, second = tool_parts(TOOLS, begin="<tool_call>\n", end="\n</tool_call>")
    assert first.begin == '<tool_call>\n{"name": "weather", "arguments": '
    assert first.end == second.end == "}\n</tool_call>"
    assert first.arguments.startswith("root ::= ")
