from typing import Any

import pytest
from shapes import byte_tokenizer, tools_shape
from xim_worker import InvalidInput

CLOCK: dict[str, Any] = {
    "name": "clock",
    "parameters": {
        "type": "object",
        "properties": {"hour": {"type": "integer", "maximum": 23, "minimum": 0}},
        "required": ["hour"],
        "additionalProperties": False,
    },
}
STOP: dict[str, Any] = {"name": "stop"}


def call(name: str, arguments: str) -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


def test_the_output_is_one_or_several_calls_and_nothing_else() -> None:
    shape = tools_shape([CLOCK, STOP])
    one, other = call("clock", '{"hour": 7}'), call("stop", "{}")
    assert shape.matches(one)
    assert shape.matches(f"{one}\n{other}\n{one}")
    for wrong in ("", "hello", f"{one} ", f"{one}{other}", call("clock", '{"hour": 24}'), call("other", "{}")):
        assert not shape.matches(wrong), wrong
    assert shape.matches("\n".join([other] * 32))
    assert not shape.matches("\n".join([other] * 33))


def test_a_tool_without_parameters_takes_no_arguments() -> None:
    assert not tools_shape([STOP]).matches(call("stop", '{"a": 1}'))


@pytest.mark.parametrize("choice", [{"name": "clock"}, {"parallel": False}])
def test_a_named_or_single_call_is_one(choice: dict[str, Any]) -> None:
    shape = tools_shape([CLOCK, STOP], **choice)
    one = call("clock", '{"hour": 7}')
    assert shape.matches(one)
    assert not shape.matches(f"{one}\n{one}")
    assert shape.matches(call("stop", "{}")) == ("name" not in choice)


def test_marks_that_are_tokens_are_written_as_such() -> None:
    tokenizer = byte_tokenizer("<tool_call>", "</tool_call>")
    shape = tools_shape([CLOCK], tokenizer=tokenizer)
    assert shape.matches(call("clock", '{"hour": 7}'))


def test_finished_arguments_are_checked_where_the_grammar_leaves_something_open() -> None:
    items = {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}
    tool = {"name": "pick", "parameters": {"type": "object", "properties": {"of": items}, "required": ["of"]}}
    shape = tools_shape([tool])
    assert shape.matches(call("pick", '{"of": [1, 2]}'))
    assert not shape.matches(call("pick", '{"of": [1, 1]}'))


@pytest.mark.parametrize(
    "dialect", ["llama3", "mistral", "mistral-args", "deepseek", "deepseek-v3", "granite", "harmony"]
)
def test_every_dialect_with_json_arguments_has_a_grammar(dialect: str) -> None:
    tools_shape([CLOCK, STOP], dialect)


def test_calls_in_xml_are_refused_by_name() -> None:
    with pytest.raises(InvalidInput) as refused:
        tools_shape([CLOCK], "qwen-xml")
    assert (refused.value.param, refused.value.code) == ("prompt.toolChoice", "XIM_UNSUPPORTED_PARAMETER")


def test_a_schema_that_cannot_be_held_to_names_its_tool() -> None:
    with pytest.raises(InvalidInput) as refused:
        tools_shape([STOP, {"name": "a", "parameters": {"properties": {"b": {"not": {}}}}}])
    assert refused.value.param == "prompt.tools.1.parameters.properties.b.not"
    assert str(refused.value).startswith("Parameters of the tool 'a': The keyword not cannot be enforced")


def test_parameters_that_no_grammar_takes_name_their_tool() -> None:
    impossible = {"properties": {"b": {"type": "integer", "minimum": 3, "maximum": 2}}, "required": ["b"]}
    with pytest.raises(InvalidInput) as refused:
        tools_shape([STOP, {"name": "a", "parameters": impossible}, CLOCK])
    assert refused.value.param == "prompt.tools.1.parameters"
    assert str(refused.value).startswith("Parameters of the tool 'a': ")
