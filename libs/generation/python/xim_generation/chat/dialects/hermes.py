"""Hermes, Qwen 2.5 and 3, and every template that is told of tools in words: JSON between `<tool_call>` marks."""

from __future__ import annotations

from ...output.tool_calls import BEGIN, END, ToolCallParser
from .dialect import CallForm, Dialect

HERMES = Dialect(
    name="hermes",
    marks=frozenset([BEGIN, END, "<think>", "</think>"]),
    form=CallForm(begin=f'{BEGIN}\n{{"name": "', middle='", "arguments": ', end=f"}}\n{END}"),
    calls=ToolCallParser,
)
