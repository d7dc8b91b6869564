"""Calls between marks: Hermes and Qwen, DeepSeek, Qwen3-Coder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...output.tool_calls import BEGIN, END, MarkedSyntax, ToolCallParser
from ...output.xml_calls import XmlCalls
from .dialect import CallForm, Dialect

_THOUGHT = ("<think>", "</think>")

HERMES = Dialect(
    name="hermes",
    marks=frozenset([BEGIN, END, *_THOUGHT]),
    form=CallForm(begin=f'{BEGIN}\n{{"name": "', middle='", "arguments": ', end=f"}}\n{END}"),
    calls=lambda single, required, _: ToolCallParser(single, required),
)
"""Hermes, Qwen 2.5 and 3, and every template for which the tools are described in words."""

QWEN_XML = Dialect(
    name="qwen-xml",
    marks=frozenset([BEGIN, END, *_THOUGHT]),
    form=CallForm(
        begin=f"{BEGIN}\n<function=", middle=">\n", end=f"</function>\n{END}", separator="\n", arguments="xml"
    ),
    calls=XmlCalls,
)
"""Qwen3-Coder and later models: an element per argument."""

_CALLS, _CALLS_END = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
_CALL, _SEPARATOR, _CALL_END = "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"
_DEEPSEEK_MARKS = frozenset([_CALLS, _CALLS_END, _CALL, _SEPARATOR, _CALL_END, *_THOUGHT])


def _marked(head: str) -> MarkedSyntax:
    return MarkedSyntax(_CALL, _CALL_END, re.compile(head), silent=(_CALLS, _CALLS_END))


_FENCED = _marked(rf"\s*function{_SEPARATOR}([^\n<]+)\n```json\n\s*")
_PLAIN = _marked(rf"\s*([^\n<]+){_SEPARATOR}\s*")


def _read_fenced(single: bool, required: bool, _: Mapping[str, Any]) -> ToolCallParser:
    return ToolCallParser(single, required, _FENCED)


def _read_plain(single: bool, required: bool, _: Mapping[str, Any]) -> ToolCallParser:
    return ToolCallParser(single, required, _PLAIN)


DEEPSEEK_V3 = Dialect(
    name="deepseek-v3",
    marks=_DEEPSEEK_MARKS,
    form=CallForm(
        first=_CALLS,
        begin=f"{_CALL}function{_SEPARATOR}",
        middle="\n```json\n",
        end=f"\n```{_CALL_END}",
        last=_CALLS_END,
    ),
    calls=_read_fenced,
)
"""DeepSeek V3 and R1: the arguments are a fenced block of JSON."""

DEEPSEEK = Dialect(
    name="deepseek",
    marks=_DEEPSEEK_MARKS,
    form=CallForm(first=_CALLS, begin=_CALL, middle=_SEPARATOR, end=_CALL_END, separator="", last=_CALLS_END),
    calls=_read_plain,
)
"""DeepSeek V3.1 and later."""
