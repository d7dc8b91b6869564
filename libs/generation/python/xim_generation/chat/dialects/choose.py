"""Chooses a model's dialect from the text of its chat template."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Container

from .dialect import Dialect
from .harmony import HARMONY
from .marked import DEEPSEEK, DEEPSEEK_V3, HERMES, QWEN_XML
from .objects import GRANITE, LLAMA3, MISTRAL, MISTRAL_ARGS

DIALECTS = {
    dialect.name: dialect
    for dialect in (HERMES, QWEN_XML, DEEPSEEK_V3, DEEPSEEK, LLAMA3, GRANITE, MISTRAL, MISTRAL_ARGS, HARMONY)
}


def choose_dialect(template: str, vocabulary: Container[str]) -> Dialect:
    """`vocabulary`: the texts of the tokenizer's added tokens.

    For a template without tools, the tools are described in words, and calls are written in the style of Hermes.
    """
    dialect = _by_tools(template, vocabulary)
    if dialect.whole is None and "[THINK]" in template:
        thought = ("[THINK]", "[/THINK]")
        return dataclasses.replace(dialect, thought=thought, marks=dialect.marks | {*thought})
    return dialect


def _by_tools(template: str, vocabulary: Container[str]) -> Dialect:
    if "<|channel|>" in template and "<|message|>" in template:
        return HARMONY
    if not re.search(r"\btools\b", template):
        return HERMES
    if "[TOOL_CALLS]" in template:
        return MISTRAL_ARGS if "[ARGS]" in template else MISTRAL
    if "<｜tool▁call▁begin｜>" in template:
        return DEEPSEEK_V3 if "```json" in template else DEEPSEEK
    if "<function=" in template and "<parameter=" in template:
        return QWEN_XML
    if "<|tool_call|>" in template:
        return GRANITE
    if "<tool_call>" in template:
        return HERMES
    if "<|python_tag|>" in template or "<|python_tag|>" in vocabulary or "<|start_header_id|>" in template:
        return LLAMA3
    return HERMES


def find_dialect(name: str) -> Dialect:
    """Raises ValueError."""
    if name not in DIALECTS:
        raise ValueError(f"{name!r} is not a dialect; expected one of {', '.join(DIALECTS)}.")
    return DIALECTS[name]
