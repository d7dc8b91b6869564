from typing import Any

import pytest
from xim_engine_oneapi.conversation import Conversation
from xim_engine_oneapi.tools import ToolUse, to_tool_use
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


class Tokenizer:
    """Keeps what the template would be given."""

    def __init__(self, template: str, error: Exception | None = None) -> None:
        self.chat_template = template
        self.history: list[dict[str, Any]] = []
        self.rest: dict[str, Any] = {}
        self._error = error

    def apply_chat_template(self, history: list[dict[str, Any]], **rest: Any) -> str:
        if self._error:
            raise self._error
        self.history, self.rest = history, rest
        return "text"


def written(
    template: str, messages: list[dict[str, Any]], *tools: dict[str, Any], effort: str | None = None
) -> Tokenizer:
    tokenizer = Tokenizer(template)
    assert Conversation(tokenizer, set()).to_text(messages, list(tools), effort) == "text"
    return tokenizer


def test_a_template_with_tools_gets_them_as_the_apis_have_them() -> None:
    tokenizer = written("{{ tools }} {{ message.reasoning_content }}", TURNS, WEATHER, CLOCK)
    described = tokenizer.rest["tools"]
    assert [tool["function"]["name"] for tool in described] == ["weather", "clock"]
    assert described[0]["function"]["parameters"] == WEATHER["parameters"]
    assert described[1]["function"]["parameters"] == {"type": "object", "properties": {}}
    _, assistant, first, second = tokenizer.history
    # An object where it is one, since templates write it as JSON themselves.
    assert [call["function"]["arguments"] for call in assistant["tool_calls"]] == [{"place": "Basel"}, '{"place": "Be']
    assert assistant["reasoning_content"] == "hm"
    assert assistant["content"] == ""
    assert first == {"role": "tool", "content": "sunny", "tool_call_id": "call_a", "name": "weather"}
    assert second["content"] == "rain"


def test_a_template_without_tools_gets_them_in_words() -> None:
    tokenizer = written("plain", TURNS, WEATHER, CLOCK)
    assert tokenizer.rest["tools"] is None
    system, user, assistant, results = tokenizer.history
    assert system["role"] == "system"
    assert '"name": "weather"' in system["content"]
    assert "The time {now}." in system["content"]
    assert '<tool_call>\n{"name": "the function\'s name", "arguments": {' in system["content"]
    assert user == USER
    assert assistant["content"] == (
        '<tool_call>\n{"name": "weather", "arguments": {"place": "Basel"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "weather", "arguments": {"place": "Be}\n</tool_call>'
    )
    assert results["role"] == "user"
    assert results["content"] == "<tool_response>\nsunny\n</tool_response>\n<tool_response>\nrain\n</tool_response>"


def test_the_words_follow_a_system_message_that_is_there() -> None:
    messages = [{"role": "developer", "content": "Be brief."}, USER]
    (system, user) = written("plain", messages, CLOCK).history
    assert system["content"].startswith("Be brief.\n\nYou can call functions.")
    assert user == USER


def test_without_tools_a_conversation_stays_as_it_is() -> None:
    assert written("plain", [USER]).history == [USER]
    assert written("{{ tools }}", [USER]).rest == {"add_generation_prompt": True, "tools": None, "extra_context": None}


@pytest.mark.parametrize(
    ("template", "effort", "context"),
    [
        ("plain", None, None),
        ("plain", "none", None),
        ("<think> enable_thinking", None, None),
        ("<think> enable_thinking", "none", {"enable_thinking": False}),
        ("<think> enable_thinking", "low", {"enable_thinking": True}),
        ("reasoning_effort", "high", {"reasoning_effort": "high"}),
    ],
)
def test_the_effort_is_the_template_s_switch(template: str, effort: str | None, context: Any) -> None:
    assert written(template, [USER], effort=effort).rest["extra_context"] == context


@pytest.mark.parametrize(("template", "effort"), [("plain", "low"), ("<think>", "none"), ("<think>", "high")])
def test_an_effort_without_a_switch_is_refused(template: str, effort: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        written(template, [USER], effort=effort)
    assert (refused.value.param, refused.value.code) == ("reasoningEffort", "XIM_UNSUPPORTED_PARAMETER")


def test_a_model_that_thinks_is_known_by_its_template_or_its_tokens() -> None:
    assert Conversation(Tokenizer("… <think> …"), set()).thinks
    assert Conversation(Tokenizer("plain"), {b"a", b"<think>"}).thinks
    assert not Conversation(Tokenizer("plain"), {b"think"}).thinks


@pytest.mark.parametrize(
    "error", [RuntimeError("at line 3\nno system role"), TypeError("no such type"), ValueError("")]
)
def test_a_template_that_raises_refuses_the_call(error: Exception) -> None:
    with pytest.raises(InvalidInput, match="template does not take") as refused:
        Conversation(Tokenizer("plain", error), set()).to_text([USER], [], None)
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
