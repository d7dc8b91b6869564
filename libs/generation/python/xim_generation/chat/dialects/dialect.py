"""A dialect: how one family of models writes tool calls and thoughts, and how such output is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ...output.output_parser import CallParser, OutputParser, Parser
from ...output.reasoning import ReasoningParser


@dataclass(frozen=True)
class CallForm:
    """An output that consists of tool calls: `first + call (+ separator + call)* + last`.

    A call is `begin + name + middle + arguments + end`. Arguments are a JSON object; with `arguments` "xml" they are
    `<parameter=key>\\nvalue\\n</parameter>\\n` per member, a text as it is and any other value as JSON.
    Marks in these texts may be single tokens, special ones too: their tokens are `Tokenizer.added[mark]`.
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


def _same(identifier: str) -> str:
    return identifier


@dataclass(frozen=True)
class Dialect:
    """Facts and parsers of one family of models."""

    name: str
    marks: frozenset[str]
    """Texts that may be single special tokens, and that the parsers need to see."""
    form: CallForm
    """How a required call is written."""
    calls: Callable[[bool, bool, Mapping[str, Any]], CallParser] = field(repr=False)
    """Makes a parser of tool calls from `single`, `required` (see `CallParser`) and the tools' schemas by name."""
    thought: tuple[str, str] = ("<think>", "</think>")
    """The marks around what the model thinks before it answers."""
    whole: Callable[[bool, bool, bool], Parser] | None = field(default=None, repr=False)
    """Makes a parser of the whole output from `tools`, `single` and `required`, where thoughts, answer and calls are
    messages of one form."""
    answer: str = ""
    """Ends a prompt whose output begins with the answer, where the template leaves that to the model."""
    to_id: Callable[[str], str] = field(default=_same, repr=False)
    """The id of a past call as the template takes it."""

    def parser(
        self,
        *,
        thinks: bool,
        inside: bool,
        tools: bool,
        single: bool = False,
        required: bool = False,
        schemas: Mapping[str, Any] | None = None,
    ) -> Parser | None:
        """None where all text is the answer's. `inside`: the prompt ended inside a thought."""
        if self.whole is not None:
            return self.whole(tools, single, required)
        if not thinks and not tools:
            return None
        reasoning = ReasoningParser(inside, *self.thought) if thinks else None
        return OutputParser(reasoning, self.calls(single, required, schemas or {}) if tools else None)


def to_call_in_words(name: str, arguments: str) -> str:
    """A past call for a template that knows no tools, as the words about tools describe it."""
    return f'<tool_call>\n{{"name": {json.dumps(name, ensure_ascii=False)}, "arguments": {arguments}}}\n</tool_call>'
