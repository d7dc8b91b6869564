from __future__ import annotations

from typing import Any

import pytest
from xim_generation.chat.conversation import Conversation
from xim_generation.chat.dialects import DIALECTS, choose_dialect
from xim_generation.chat.template import ChatTemplate
from xim_generation.chat.tools import ToolUse, to_tool_use
from xim_worker import InvalidInput

WEATHER = {"name": "weather", "parameters": {"type": "object", "properties": {"place": {"type": "string"}}}}
CLOCK = {"name": "clock", "description": "The time {now}."}
USER = {"role": "user", "content": "Weather in Basel and Bern?"}
CALLS = [
    {"id": "call_a", "name": "weather", "arguments": '{"place": "Basel"}'},
    {"id": "call_b", "name": "weather", "arguments": '{"place": "Be'},
]
TURNS: list[dict[str, Any]] = [
    USER,
    {"role": "assistant", "content": None, "toolCalls": CALLS, "reasoning": "hm"},
    {"role": "tool", "content": "sunny", "toolCallId": "call_a"},
    {"role": "tool", "content": "rain", "toolCallId": "call_b"},
]


class Template(ChatTemplate):
    """Records the conversation and does not render it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.variables: dict[str, Any] = {}

    def render(self, variables: Any, longest: int | None) -> str:
        self.variables = dict(variables)
        return "text"

    @property
    def history(self) -> list[dict[str, Any]]:
        history: list[dict[str, Any]] = self.variables["messages"]
        return history


def to_conversation(template: ChatTemplate, vocabulary: set[str] | None = None) -> Conversation:
    return Conversation(template, choose_dialect(template.text, vocabulary or set()), vocabulary or set(), {})


def written(text: str, messages: list[dict[str, Any]], *tools: dict[str, Any], effort: str | None = None) -> Template:
    template = Template(text)
    assert to_conversation(template).to_text(messages, list(tools), effort) == "text"
    return template


def test_a_template_with_tools_gets_them_as_the_apis_have_them() -> None:
    template = written("{{ tools | tojson }} {{ message.reasoning_content }}", TURNS, WEATHER, CLOCK)
    described = template.variables["tools"]
    assert [tool["function"]["name"] for tool in described] == ["weather", "clock"]
    assert described[0]["function"]["parameters"] == WEATHER["parameters"]
    assert described[1]["function"]["parameters"] == {"type": "object", "properties": {}}
    _, assistant, first, second = template.history
    # Arguments that are JSON objects are passed as objects, since templates write them as JSON themselves.
    assert [call["function"]["arguments"] for call in assistant["tool_calls"]] == [{"place": "Basel"}, '{"place": "Be']
    assert assistant["reasoning_content"] == "hm"
    assert assistant["content"] == ""
    assert first == {"role": "tool", "content": "sunny", "tool_call_id": "call_a", "name": "weather"}
    assert second["content"] == "rain"


def test_a_template_that_writes_no_json_gets_arguments_as_texts() -> None:
    _, assistant, *_ = written("{{ tools }} <｜tool▁call▁begin｜>", TURNS, WEATHER).history
    assert [call["function"]["arguments"] for call in assistant["tool_calls"]] == [
        '{"place": "Basel"}',
        '{"place": "Be',
    ]


def test_ids_are_as_the_dialect_has_them() -> None:
    _, assistant, first, second = written("{{ tools }} [TOOL_CALLS]", TURNS, WEATHER).history
    assert [len(call["id"]) for call in assistant["tool_calls"]] == [9, 9]
    assert [call["id"] for call in assistant["tool_calls"]] == [first["tool_call_id"], second["tool_call_id"]]


def test_a_template_without_tools_gets_them_in_words() -> None:
    template = written("plain", TURNS, WEATHER, CLOCK)
    assert template.variables["tools"] is None
    system, user, assistant, results = template.history
    assert system["role"] == "system"
    assert '"name": "weather"' in system["content"]
    assert "The time {now}." in system["content"]
    assert "between <tool_call> and </tool_call>" in system["content"]
    assert user == USER
    assert assistant["content"] == (
        '<tool_call>\n{"name": "weather", "arguments": {"place": "Basel"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "weather", "arguments": {"place": "Be}\n</tool_call>'
    )
    assert results["role"] == "user"
    assert results["content"] == "<tool_response>\nsunny\n</tool_response>\n<tool_response>\nrain\n</tool_response>"


def test_the_words_hold_no_example_that_could_be_an_answer() -> None:
    words = written("plain", [USER], CLOCK).history[0]["content"]
    parser = DIALECTS["hermes"].parser(thinks=False, inside=False, tools=True)
    assert parser is not None
    assert all("text" in event for event in parser.push(words) + parser.finish())


def test_the_words_follow_a_system_message_that_is_there() -> None:
    messages = [{"role": "developer", "content": "Be brief."}, USER]
    (system, user) = written("plain", messages, CLOCK).history
    assert system["role"] == "system"
    assert system["content"].startswith("Be brief.\n\nYou can call functions.")
    assert user == USER


def test_without_tools_a_conversation_stays_as_it_is() -> None:
    assert written("plain", [USER]).history == [USER]
    assert written("{{ tools }} developer", [{"role": "developer", "content": "x"}]).variables == {
        "messages": [{"role": "developer", "content": "x"}],
        "tools": None,
        "documents": None,
        "add_generation_prompt": True,
    }


@pytest.mark.parametrize(
    ("template", "effort", "switches"),
    [
        ("plain", None, {}),
        ("plain", "none", {}),
        ("<think> enable_thinking", None, {}),
        ("<think> enable_thinking", "none", {"enable_thinking": False}),
        ("<think> enable_thinking", "low", {"enable_thinking": True}),
        ("reasoning_effort", "high", {"reasoning_effort": "high"}),
    ],
)
def test_the_effort_is_the_template_s_switch(template: str, effort: str | None, switches: Any) -> None:
    plain = written(template, [USER]).variables
    assert written(template, [USER], effort=effort).variables == {**plain, **switches}


@pytest.mark.parametrize(("template", "effort"), [("plain", "low"), ("<think>", "none"), ("<think>", "high")])
def test_an_effort_without_a_switch_is_refused(template: str, effort: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        written(template, [USER], effort=effort)
    assert (refused.value.param, refused.value.code) == ("reasoningEffort", "XIM_UNSUPPORTED_PARAMETER")


def test_a_model_that_thinks_is_known_by_its_template_or_its_tokens() -> None:
    assert to_conversation(Template("… <think> …")).thinks
    assert to_conversation(Template("plain"), {"a", "<think>"}).thinks
    assert to_conversation(Template("<|channel|> <|message|>")).thinks
    assert not to_conversation(Template("plain"), {"think"}).thinks


@pytest.mark.parametrize("messages", [[], [{"role": "system", "content": "x"}]])
def test_what_the_template_or_the_task_refuses_is_invalid(messages: list[dict[str, Any]]) -> None:
    template = ChatTemplate("{% if messages[0].role == 'system' %}{{ raise_exception('No system role') }}{% endif %}")
    with pytest.raises(InvalidInput, match=r"is empty|: No system role$") as refused:
        to_conversation(template).to_text(messages, [], None)
    assert refused.value.param == "prompt.messages"


@pytest.mark.parametrize(
    ("choice", "use"),
    [
        (None, ToolUse([WEATHER, CLOCK], parsed=True)),
        ({"mode": "auto", "parallel": False}, ToolUse([WEATHER, CLOCK], parsed=True, single=True)),
        ({"mode": "none"}, ToolUse([])),
        ({"mode": "required"}, ToolUse([WEATHER, CLOCK], parsed=True, required=True)),
        (
            {"mode": "required", "name": "clock"},
            ToolUse([WEATHER, CLOCK], parsed=True, required=True, name="clock", single=True),
        ),
    ],
)
def test_tool_choice(choice: dict[str, Any] | None, use: ToolUse) -> None:
    assert to_tool_use({"messages": [], "tools": [WEATHER, CLOCK], "toolChoice": choice}) == use


@pytest.mark.parametrize("prompt", [{"tools": []}, {"tools": [WEATHER]}])
def test_a_required_tool_must_be_there(prompt: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        to_tool_use({**prompt, "toolChoice": {"mode": "required", "name": "clock"}})
    assert refused.value.param == "prompt.toolChoice"
