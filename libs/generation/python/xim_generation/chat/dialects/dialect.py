"""A dialect: how one family of models writes tool calls and thoughts, and how such output is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ...output.output_parser import CallParser, OutputParser, Parser
from ...output.reasoning import ReasoningParser


@dataclass(frozen=True)
class CallForm:
    """An output that consists of tool calls: `first + call (+ separator + call)* + last`.

    A call is `begin + name + middle + arguments + end`. Arguments are a JSON object, or with `arguments` "xml" one
    `<parameter=key>\\nvalue\\n</parameter>\\n` per member, where a value that is a text is written as it is and every
    other value as JSON.
    """

    begin: str
    middle: str
    end: str
    separator: str = "\n"
    first: str = ""
    last: str = ""
    arguments: Literal["json", "xml"] = "json"
    parallel: bool = True
    """Whether one output may hold several calls."""


@dataclass(frozen=True)
class Dialect:
    """Facts and parsers of one family of models."""

    name: str
    marks: frozenset[str]
    """Texts that may be single special tokens, and that the parsers need to see."""
    form: CallForm
    """How a required call is written."""
    calls: Callable[[bool, bool], CallParser]
    """A parser of tool calls, from `single` and `required` (see `CallParser`)."""
    thought: tuple[str, str] = ("<think>", "</think>")
    """The marks around what the model thinks before it answers."""
    whole: Callable[[bool, bool, bool], Parser] | None = None
    """A parser for the whole output from (`tools`, `single`, `required`), in dialects whose thoughts and calls are not
    told apart by marks around them."""
    id_length: int = 24
    """Letters and digits of a call's id, after `call_` where it is 24."""

    def parser(
        self, *, thinks: bool, inside: bool, tools: bool, single: bool = False, required: bool = False
    ) -> Parser | None:
        """None where all text is the answer's. `inside`: the prompt ended inside a thought."""
        if self.whole is not None:
            return self.whole(tools, single, required)
        if not thinks and not tools:
            return None
        reasoning = ReasoningParser(inside, *self.thought) if thinks else None
        return OutputParser(reasoning, self.calls(single, required) if tools else None)

    def call_text(self, name: str, arguments: str) -> str:
        """A call of the past in the manner of Hermes, for a template that knows no tools."""
        return (
            f'<tool_call>\n{{"name": {json.dumps(name, ensure_ascii=False)}, "arguments": {arguments}}}\n</tool_call>'
        )
