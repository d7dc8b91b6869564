"""Calls of tools as grammars: `<begin>{"name": "…", "arguments": {…}}<end>`, each held to its tool's schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xim_worker import InvalidInput

from .ebnf import to_ebnf
from .json_text import any_object, to_text
from .nodes import Node, Repeat, Rules, Text, alt, seq
from .schema import to_rules

MOST_CALLS = 32


@dataclass(frozen=True)
class ToolPart:
    """One tool's call: `begin`, then what the grammar `arguments` matches, then `end`."""

    begin: str
    arguments: str
    end: str


def tool_grammar(
    tools: list[dict[str, Any]], *, name: str | None, parallel: bool, begin: str, end: str, separator: str
) -> str:
    """EBNF of one call, or with `parallel` of one to 32 calls. `name`: of this tool only.

    An error's `param` is the place in the task's input, such as `prompt.tools.0.parameters.properties.a.not`.
    """
    root, rules = tool_calls(tools, name=name, parallel=parallel, begin=begin, end=end, separator=separator)
    return to_ebnf(root, rules, "prompt.tools")


def tool_calls(
    tools: list[dict[str, Any]], *, name: str | None, parallel: bool, begin: str, end: str, separator: str
) -> tuple[Node, Rules]:
    """The same, before it is text."""
    if name is not None and not any(tool["name"] == name for tool in tools):
        raise InvalidInput(f"There is no tool named {name!r}; expected one of the tools.", "prompt.toolChoice.name")
    if not tools:
        raise InvalidInput("There is no tool to call; expected at least one.", "prompt.tools")
    rules = Rules()
    calls = [
        seq(Text(_opening(begin, tool)), _arguments(tool, index, rules), Text("}" + end))
        for index, tool in enumerate(tools)
        if name is None or tool["name"] == name
    ]
    call = rules.add("call", alt(calls))
    root = seq(call, Repeat(seq(Text(separator), call), 0, MOST_CALLS - 1)) if parallel else call
    return root, rules


def tool_parts(tools: list[dict[str, Any]], *, begin: str, end: str) -> list[ToolPart]:
    """For each tool what its calls are made of: to hold to their schemas those in a text that is otherwise free."""
    parts = []
    for index, tool in enumerate(tools):
        rules = Rules()
        root = _arguments(tool, index, rules)
        grammar = to_ebnf(root, rules, f"prompt.tools.{index}.parameters")
        parts.append(ToolPart(_opening(begin, tool), grammar, "}" + end))
    return parts


def _opening(begin: str, tool: dict[str, Any]) -> str:
    return f'{begin}{{"name": {to_text(tool["name"])}, "arguments": '


def _arguments(tool: dict[str, Any], index: int, rules: Rules) -> Node:
    schema = tool.get("parameters")
    if schema is None:
        return any_object(rules)
    return to_rules(schema, f"prompt.tools.{index}.parameters", rules, objects_only=True)
