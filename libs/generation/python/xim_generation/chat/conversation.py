"""A conversation as the text that the model continues, written by the model's own chat template.

A template that reads `tools` receives the tools in the form of OpenAI's API. For other templates the tools are
described in words, in the style of the Hermes models (`<tools>`, `<tool_call>`, `<tool_response>`), in roles that the
template knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xim_worker import InvalidInput

from .dialects import Dialect
from .dialects.dialect import to_call_in_words
from .template import ChatTemplate
from .tools import to_description

# The example of a call has no arguments: small models copy an example as their answer.
_SECTION = """You can call functions. These are there, one JSON object a line:
<tools>
{tools}
</tools>
To call one, write one JSON object with its "name" and its "arguments" (an object with its parameters) between \
<tool_call> and </tool_call>, and once more for each further call. What a function answers comes back between \
<tool_response> and </tool_response>."""

MARKS_IN_WORDS = ("<tools>", "</tools>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
"""The marks in the description of the tools; some vocabularies have a token for them."""

# Members of a message from which templates read the thoughts of an earlier answer.
_REASONING_NAMES = ("reasoning_content", "reasoning", "thinking")

_OWN_VARIABLES = frozenset(["messages", "tools", "documents", "add_generation_prompt", "continue_final_message"])
_THOUGHT_SWITCHES = frozenset(["enable_thinking", "thinking"])
"""Variables that a request may set to false even if the template of a model without thoughts does not read them."""

Guard = Callable[[str, str], str]
"""Maps a text from a client, and the role of its message (`""` for a tool), to the text for the template."""


class Conversation:
    """`thinks`: whether the model may begin its output with a thought.

    `vocabulary`: the texts of the tokenizer's added tokens; `names`: the variables of special tokens.
    """

    def __init__(
        self,
        template: ChatTemplate,
        dialect: Dialect,
        vocabulary: set[str],
        names: dict[str, str],
        guard: Guard = lambda text, _: text,
    ) -> None:
        self._template = template
        self._dialect = dialect
        self._special_names = names
        self._guard = guard
        words = set(re.findall(r"\w+", template.text))
        begin = dialect.thought[0]
        self.thinks = dialect.whole is not None or begin in template.text or begin in vocabulary
        self._words = words
        self._takes_tools = "tools" in words
        # Templates that write an object receive an object. Other templates would write it in Python's syntax, or fail.
        self._takes_objects = self._takes_tools and bool(words & {"tojson", "items"})
        self._takes_developer = "developer" in words
        self._reasoning_name = next((name for name in _REASONING_NAMES if _reads(template.text, name)), None)
        self._switches = words & {"enable_thinking", "reasoning_effort"}

    @property
    def can_skip_thinking(self) -> bool:
        return "enable_thinking" in self._switches

    def to_text(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: list[dict[str, Any]],
        effort: str | None,
        longest: int | None = None,
        *,
        variables: Mapping[str, Any] | None = None,
        begins: bool = True,
        goes_on: bool = False,
    ) -> str:
        """`longest`: bytes that may fit the context, see `ChatTemplate.render`. Raises InvalidInput.

        `variables`: further variables of the template. `begins`: the template writes the beginning of an answer.
        `goes_on`: the text ends inside the last message.
        """
        if not messages:
            raise InvalidInput("The conversation is empty; expected at least one message.", "prompt.messages")
        if goes_on and (
            begins or messages[-1]["role"] != "assistant" or not (messages[-1].get("content") or "").strip()
        ):
            message = (
                "Only a last message of the assistant with a text can be continued, and without a generation prompt."
            )
            raise InvalidInput(message, "prompt.continueLast")
        switches = {**self._to_switches(effort), **self._to_variables(variables or {})}
        tools = [_mapped(to_description(tool), lambda text: self._guard(text, "")) for tool in tools]
        turns = [self._to_turn(message) for message in messages]
        if self._takes_tools:
            names = {call["id"]: call["function"]["name"] for turn in turns for call in turn.get("tool_calls") or []}
            for turn in turns:
                if turn["role"] == "tool":
                    turn["name"] = names.get(turn["tool_call_id"], "")
            described: list[dict[str, Any]] | None = tools or None
        else:
            turns, described = self._in_words(turns, tools), None
        own = {"messages": turns, "tools": described, "documents": None, "add_generation_prompt": begins}
        text = self._template.render({**self._special_names, **switches, **own}, longest)
        return _cut_behind(text, turns[-1]["content"]) if goes_on else text

    def _to_variables(self, given: Mapping[str, Any]) -> dict[str, Any]:
        variables: dict[str, Any] = {}
        for name, value in given.items():
            if name in _OWN_VARIABLES or name in self._special_names:
                message = f"The template variable {name!r} has a request field of its own; leave it out."
                raise InvalidInput(message, "prompt.templateVariables")
            if name in self._words:
                variables[name] = _mapped(value, lambda text: self._guard(text, ""))
            elif name not in _THOUGHT_SWITCHES or value or self.thinks:
                message = f"This model's chat template does not read the variable {name!r}; leave it out."
                raise InvalidInput(message, "prompt.templateVariables", "XIM_UNSUPPORTED_PARAMETER")
        return variables

    def _to_switches(self, effort: str | None) -> dict[str, Any]:
        """The template's own variables for a reasoning effort."""
        if effort is None or (effort == "none" and not self.thinks and not self._switches):
            return {}
        if not self._switches:
            known = "this model's template has no switch for it" if self.thinks else "this model does not reason"
            message = f"The reasoning effort {effort} is not available: {known}. Leave it out."
            raise InvalidInput(message, "reasoningEffort", "XIM_UNSUPPORTED_PARAMETER")
        values = {"enable_thinking": effort != "none", "reasoning_effort": effort}
        return {name: values[name] for name in self._switches}

    def _to_turn(self, message: Mapping[str, Any]) -> dict[str, Any]:
        role = message["role"]
        content = self._guard(message.get("content") or "", role)
        as_system = role == "developer" and not self._takes_developer
        turn: dict[str, Any] = {"role": "system" if as_system else role, "content": content}
        if message.get("name"):
            turn["name"] = self._guard(message["name"], "")
        if role == "tool":
            turn["tool_call_id"] = self._guard(self._dialect.to_id(message["toolCallId"]), "")
        if message.get("toolCalls"):
            turn["tool_calls"] = [self._to_call(call) for call in message["toolCalls"]]
        if message.get("reasoning") and self._reasoning_name:
            turn[self._reasoning_name] = self._guard(message["reasoning"], "")
        return turn

    def _to_call(self, call: dict[str, Any]) -> dict[str, Any]:
        arguments: Any = call["arguments"]
        if self._takes_objects:
            try:
                parsed = json.loads(arguments)
            except (ValueError, RecursionError):
                parsed = None
            arguments = parsed if isinstance(parsed, dict) else arguments
        function = {
            "name": self._guard(call["name"], ""),
            "arguments": _mapped(arguments, lambda text: self._guard(text, "")),
        }
        return {"type": "function", "id": self._guard(self._dialect.to_id(call["id"]), ""), "function": function}

    def _in_words(self, turns: list[dict[str, Any]], tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
        history: list[dict[str, Any]] = []
        answers: list[str] | None = None
        for turn in turns:
            content: str = turn["content"]
            if turn["role"] == "tool":
                # Answers to the calls of one turn are sent in one turn.
                if answers is None:
                    answers = []
                    history.append({"role": "user", "content": ""})
                answers.append(f"<tool_response>\n{content}\n</tool_response>")
                history[-1]["content"] = "\n".join(answers)
                continue
            answers = None
            functions = [call["function"] for call in turn.pop("tool_calls", [])]
            calls = [to_call_in_words(function["name"], function["arguments"]) for function in functions]
            history.append(
                {**turn, "content": "\n".join([content, *calls] if content else calls) if calls else content}
            )
        if tools:
            section = _SECTION.format(tools="\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools))
            if history[0]["role"] == "system":
                history[0]["content"] = f"{history[0]['content']}\n\n{section}".lstrip()
            else:
                history.insert(0, {"role": "system", "content": section})
        return history


def _cut_behind(text: str, content: str) -> str:
    """`text` up to the end of its last message; follows transformers (utils/chat_template_utils.py)."""
    at = text.rfind(content.strip())
    if at < 0:
        message = "The model's chat template changes the text of the last message, so the message cannot be continued."
        raise InvalidInput(message, "prompt.continueLast", "XIM_UNSUPPORTED_PARAMETER")
    whole = content.lstrip()
    return text[: at + len(whole if text.startswith(whole, at) else content.strip())]


def _reads(template: str, member: str) -> bool:
    return re.search(rf"\.{member}\b|['\"]{member}['\"]", template) is not None


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with `change` applied to each of its texts, including keys."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _mapped(member, change) for key, member in value.items()}
    return [_mapped(member, change) for member in value] if isinstance(value, list) else value
