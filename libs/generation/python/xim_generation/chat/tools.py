"""Chooses the tools that the model sees, and how calls in its output are parsed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xim_worker import InvalidInput


@dataclass(frozen=True)
class ToolUse:
    """`shown`: the tools in the prompt. `parsed`: calls in the output become events, otherwise text.

    `required`: the output consists of calls only; if there is a `name`, only of this tool. `single`: the first call
    ends the choice.
    """

    shown: list[dict[str, Any]]
    parsed: bool = False
    required: bool = False
    name: str | None = None
    single: bool = False


def to_tool_use(prompt: Mapping[str, Any]) -> ToolUse:
    """Without tools, and with mode `none`, the model sees no tool and all of its output is text."""
    tools, choice = prompt.get("tools") or [], prompt.get("toolChoice") or {}
    mode, name = choice.get("mode", "auto"), choice.get("name")
    if mode == "required":
        if not tools:
            message = "A tool call is required, but no tool was given; add tools or leave the choice out."
            raise InvalidInput(message, "prompt.toolChoice")
        known = [tool["name"] for tool in tools]
        if name is not None and name not in known:
            message = f"The tool {name!r} is required, but the tools are {', '.join(known)}; name one of them."
            raise InvalidInput(message, "prompt.toolChoice")
    if not tools or mode == "none":
        return ToolUse([])
    required = mode == "required"
    single = name is not None or choice.get("parallel") is False
    return ToolUse(tools, True, required, name if required else None, single)


def to_description(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool in the form of OpenAI's API, as chat templates expect it. Without `parameters` it takes no arguments."""
    function = {"name": tool["name"], "description": tool.get("description") or ""}
    parameters = tool.get("parameters") or {"type": "object", "properties": {}}
    return {"type": "function", "function": {**function, "parameters": parameters}}
