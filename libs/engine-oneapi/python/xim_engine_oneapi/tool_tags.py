"""Calls of tools inside a text that is otherwise free, as the library's structural tags."""

from __future__ import annotations

from typing import Any

import openvino_genai as genai

from .grammar.tools import ToolPart

_Tags = genai.StructuredOutputConfig


def to_tool_tags(parts: list[ToolPart], trigger: str, *, parallel: bool, required: bool = False) -> Any:
    """A structured output config: once the model writes `trigger`, it is held to a call of one of the tools.

    `trigger` is what all calls begin with. Without `parallel` the text ends after the first call.
    """
    tags = [_Tags.Tag(part.begin, _Tags.EBNF(part.arguments), part.end) for part in parts]
    triggered = _Tags.TriggeredTags([trigger], tags, at_least_one=required, stop_after_first=not parallel)
    return genai.StructuredOutputConfig(structural_tags_config=triggered)
