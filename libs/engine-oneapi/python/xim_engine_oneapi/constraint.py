"""The grammar that a call's output is held to, if any; what it asks for is compiled here, once."""

from __future__ import annotations

import functools
import json
from typing import Any

from xim_worker.tool_calls import BEGIN, END

from .grammar import format_grammar, tool_grammar
from .tools import ToolUse

# Clients use few schemas, and each for many calls.
_KEPT = 256


def to_grammar(format_: dict[str, Any] | None, use: ToolUse) -> str | None:
    """EBNF for the whole output; raises InvalidInput. Required calls leave no room for a format."""
    if use.required:
        return _tool_grammar(json.dumps(use.shown), use.name, not use.single)
    return _format_grammar(json.dumps(format_)) if format_ else None


@functools.lru_cache(_KEPT)
def _format_grammar(format_: str) -> str:
    return format_grammar(json.loads(format_))


@functools.lru_cache(_KEPT)
def _tool_grammar(tools: str, name: str | None, parallel: bool) -> str:
    marks = {"begin": f"{BEGIN}\n", "end": f"\n{END}", "separator": "\n"}
    return tool_grammar(json.loads(tools), name=name, parallel=parallel, **marks)
