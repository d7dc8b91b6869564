"""What a call's output is held to, if anything; what it asks for is compiled here, once."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xim_generation.output.tool_calls import BEGIN, END

from .grammar import format_grammar, tool_grammar
from .lengths import to_length_check
from .tools import ToolUse

# Clients use few schemas, and each for many calls.
_KEPT = 256

_CALL = re.compile(f"{BEGIN}\n(.*?)\n{END}", re.DOTALL)


@dataclass(frozen=True)
class Constraint:
    grammar: str
    """EBNF for the whole output."""
    check: Callable[[str], bool] | None = None
    """Whether a finished output keeps what the grammar leaves open: strings of bounded, but not short, length."""


def to_constraint(format_: dict[str, Any] | None, use: ToolUse) -> Constraint | None:
    """Raises InvalidInput. Required calls leave no room for a format."""
    if use.required:
        return _to_tools(json.dumps(use.shown), use.name, not use.single)
    return _to_format(json.dumps(format_)) if format_ else None


@functools.lru_cache(_KEPT)
def _to_format(text: str) -> Constraint:
    format_ = json.loads(text)
    check = to_length_check(format_["schema"], "format.schema") if "schema" in format_ else None
    return Constraint(format_grammar(format_), check and (lambda output: check(json.loads(output))))


@functools.lru_cache(_KEPT)
def _to_tools(text: str, name: str | None, parallel: bool) -> Constraint:
    tools = json.loads(text)
    marks = {"begin": f"{BEGIN}\n", "end": f"\n{END}", "separator": "\n"}
    grammar = tool_grammar(tools, name=name, parallel=parallel, **marks)
    found = [
        (tool["name"], to_length_check(tool.get("parameters") or {}, f"prompt.tools.{number}.parameters"))
        for number, tool in enumerate(tools)
    ]
    checks = {name: check for name, check in found if check is not None}
    if not checks:
        return Constraint(grammar)

    def check_all(output: str) -> bool:
        calls = [json.loads(call) for call in _CALL.findall(output)]
        return all(checks[call["name"]](call["arguments"]) for call in calls if call["name"] in checks)

    return Constraint(grammar, check_all)
