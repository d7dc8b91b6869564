"""A dialect: how a family of models writes tool calls and thoughts, and how such output is parsed."""

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
    `<parameter=key>\\nvalue\\n</parameter>\\n` per member, a text without quotes and any other value as JSON. Marks in
    these texts may be single tokens, including special tokens: their tokens are `Tokenizer.added[mark]`.
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
    """Texts that may be single special tokens and that the parsers must see."""
    form: CallForm
    """How a required call is written."""
    calls: Callable[[bool, bool, Mapping[str, Any]], CallParser] = field(repr=False)
    """Makes a parser of tool calls from `single`, `required` (see `CallParser`) and the tools' schemas by name."""
    thought: tuple[str, str] = ("<think>", "</think>")
    """The marks around the model's thought before its answer."""
    whole: Callable[[bool, bool, bool], Parser] | None = field(default=None, repr=False)
    """Makes a parser of the whole output from `tools`, `single` and `required`, for dialects whose thoughts, answer
    and calls are messages of one form.
    """
    answer: str = ""
    """Text that ends a prompt whose output begins with the answer, where the template leaves this to the model."""
    to_id: Callable[[str], str] = field(default=_same, repr=False)
    """Converts the id of an earlier call to the form that the template accepts."""

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
        """None if the whole text is the answer. `inside`: the prompt ended inside a thought."""
        if self.whole is not None:
            return self.whole(tools, single, required)
        if not thinks and not tools:
            return None
        reasoning = ReasoningParser(inside, *self.thought) if thinks else None
        return OutputParser(reasoning, self.calls(single, required, schemas or {}) if tools else None)


def to_call_in_words(name: str, arguments: str) -> str:
    """An earlier call for a template without tools, in the form that the description of the tools gives."""
    return f'<tool_call>\n{{"name": {json.dumps(name, ensure_ascii=False)}, "arguments": {arguments}}}\n</tool_call>'
