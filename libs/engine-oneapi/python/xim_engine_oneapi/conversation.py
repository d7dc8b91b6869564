"""A conversation as the text that the model continues, by the model's own chat template.

A template that knows of tools gets them as the APIs have them. One that does not gets them in words of ours, in the
manner of the Hermes models (`<tools>`, `<tool_call>`, `<tool_response>`), in the roles that every template knows.
"""

from __future__ import annotations

import json
import re
from typing import Any

import openvino_genai as genai
from xim_generation.output.tool_calls import BEGIN, END
from xim_worker import InvalidInput

from .tools import to_call_text

_SECTION = f"""You can call functions. These are there, one JSON object a line:
<tools>
{{tools}}
</tools>
To call one, write its name and its arguments as JSON between these marks, and once more for each further call:
{BEGIN}
{{{{"name": "the function's name", "arguments": {{{{"its arguments": "by name"}}}}}}}}
{END}
What a function answers comes back between <tool_response> and </tool_response>."""


class Conversation:
    """`thinks`: whether the model may begin its output with `<think>…</think>`."""

    def __init__(self, tokenizer: genai.Tokenizer, vocabulary: set[bytes]) -> None:
        self._tokenizer = tokenizer
        template: str = tokenizer.chat_template
        names = set(re.findall(r"\w+", template))
        self.thinks = "<think>" in template or b"<think>" in vocabulary
        self._takes_tools = "tools" in names
        self._takes_developer = "developer" in names
        self._takes_reasoning = "reasoning_content" in names
        self._switches = names & {"enable_thinking", "reasoning_effort"}

    @property
    def can_skip_thinking(self) -> bool:
        return "enable_thinking" in self._switches

    def to_text(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]], effort: str | None) -> str:
        if not messages:
            raise InvalidInput("The conversation is empty; expected at least one message.", "prompt.messages")
        context = self._to_context(effort)
        if self._takes_tools:
            history = [self._to_turn(message) for message in messages]
            names = {call["id"]: call["name"] for message in messages for call in message.get("toolCalls") or []}
            for turn in history:
                if turn["role"] == "tool":
                    turn["name"] = names.get(turn["tool_call_id"], "")
            described: list[dict[str, Any]] | None = [to_description(tool) for tool in tools] or None
        else:
            history, described = self._in_words(messages, tools), None
        try:
            text: str = self._tokenizer.apply_chat_template(
                history, add_generation_prompt=True, tools=described, extra_context=context or None
            )
        except UnicodeEncodeError:
            raise InvalidInput("A message holds half a character (a lone surrogate).", "prompt.messages") from None
        except (RuntimeError, TypeError, ValueError) as error:
            message = f"The model's chat template does not take this conversation: {_to_reason(error)}"
            raise InvalidInput(message, "prompt.messages") from None
        return text

    def _to_context(self, effort: str | None) -> dict[str, Any]:
        """The template's own switches for an effort."""
        if effort is None or (effort == "none" and not self.thinks and not self._switches):
            return {}
        if not self._switches:
            known = "this model's template has no switch for it" if self.thinks else "this model does not reason"
            message = f"The reasoning effort {effort} cannot be had: {known}. Leave it out."
            raise InvalidInput(message, "reasoningEffort", "XIM_UNSUPPORTED_PARAMETER")
        values = {"enable_thinking": effort != "none", "reasoning_effort": effort}
        return {name: values[name] for name in self._switches}

    def _to_role(self, role: str) -> str:
        return "system" if role == "developer" and not self._takes_developer else role

    def _to_turn(self, message: dict[str, Any]) -> dict[str, Any]:
        turn: dict[str, Any] = {"role": self._to_role(message["role"]), "content": message.get("content") or ""}
        if message["role"] == "tool":
            turn["tool_call_id"] = message["toolCallId"]
        if message.get("toolCalls"):
            turn["tool_calls"] = [_to_call(call) for call in message["toolCalls"]]
        if message.get("reasoning") and self._takes_reasoning:
            turn["reasoning_content"] = message["reasoning"]
        return turn

    def _in_words(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
        history: list[dict[str, Any]] = []
        answers: list[str] | None = None
        for message in messages:
            content: str = message.get("content") or ""
            if message["role"] == "tool":
                # Answers to the calls of one turn come in one turn.
                if answers is None:
                    answers = []
                    history.append({"role": "user", "content": ""})
                answers.append(f"<tool_response>\n{content}\n</tool_response>")
                history[-1]["content"] = "\n".join(answers)
                continue
            answers = None
            calls = [to_call_text(call["name"], call["arguments"]) for call in message.get("toolCalls") or []]
            text = "\n".join([content, *calls] if content else calls) if calls else content
            history.append({"role": self._to_role(message["role"]), "content": text})
        if tools:
            lines = "\n".join(json.dumps(to_description(tool), ensure_ascii=False) for tool in tools)
            section = _SECTION.format(tools=lines)
            if history[0]["role"] == "system":
                history[0]["content"] = f"{history[0]['content']}\n\n{section}".lstrip()
            else:
                history.insert(0, {"role": "system", "content": section})
        return history


def to_description(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool as templates expect it: the form of OpenAI's API."""
    function = {"name": tool["name"], "description": tool.get("description") or ""}
    parameters = tool.get("parameters") or {"type": "object", "properties": {}}
    return {"type": "function", "function": {**function, "parameters": parameters}}


def _to_reason(error: Exception) -> str:
    """What the template itself said; the library puts its own advice before that and a trace of the template after."""
    text = str(error).strip()
    found = re.search(r"Minja's error: (.+?)(?: at row \d|$)", text, re.MULTILINE)
    return found[1] if found else (text or type(error).__name__).splitlines()[-1]


def _to_call(call: dict[str, Any]) -> dict[str, Any]:
    arguments: Any = call["arguments"]
    try:
        parsed = json.loads(arguments)
    except (ValueError, RecursionError):
        parsed = None
    # Templates write an object by themselves; what is none is passed on as the text it is.
    function = {"name": call["name"], "arguments": parsed if isinstance(parsed, dict) else arguments}
    return {"type": "function", "id": call["id"], "function": function}
