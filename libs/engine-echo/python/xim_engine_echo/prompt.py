"""What a prompt says: its tokens, and the text that the model answers with."""

from __future__ import annotations

from typing import Any

from xim_worker import InvalidInput

from .tokens import cut, from_id

# Schemas may refer to themselves for ever.
_DEPTH = 20


def read_prompt(prompt: dict[str, Any]) -> tuple[list[bytes], str]:
    """All tokens of the prompt, and what the answer says again: the last message, or the whole text."""
    if "messages" in prompt:
        messages = prompt["messages"]
        text = "".join(f"{message['role']}: {message.get('content') or ''}\n" for message in messages)
        pieces, echo = cut(text), (messages[-1].get("content") or "") if messages else ""
    elif "tokens" in prompt:
        pieces = [from_id(token, "prompt") for token in prompt["tokens"]]
        echo = b"".join(pieces).decode("utf-8", "replace")
    else:
        pieces, echo = cut(prompt["text"]), prompt["text"]
    if not pieces:
        raise InvalidInput("The prompt is empty: give at least one token.", "prompt")
    return pieces, echo


def called_tools(prompt: dict[str, Any]) -> list[dict[str, Any]]:
    """The tools to call, where the choice requires it: the named one, or all, or the first if one at most."""
    tools, choice = prompt.get("tools") or [], prompt.get("toolChoice") or {}
    if choice.get("mode") != "required":
        return []
    if "name" in choice:
        tools = [tool for tool in tools if tool["name"] == choice["name"]]
    if not tools:
        raise InvalidInput("A tool call is required, but no such tool was given.", "prompt.toolChoice")
    return tools[:1] if choice.get("parallel") is False else list(tools)


def arguments_for(tool: dict[str, Any], echo: str) -> dict[str, Any]:
    """A value for each property of the tool's parameters."""
    arguments: dict[str, Any] = instance_of({**(tool.get("parameters") or {}), "type": "object"}, echo)
    return arguments


def instance_of(schema: dict[str, Any], echo: str, root: dict[str, Any] | None = None, depth: int = 0) -> Any:
    """The simplest value of a JSON Schema's type, every property given; the echo where a text is due."""
    root = schema if root is None else root
    if depth > _DEPTH:
        return None
    if "$ref" in schema:
        return instance_of(_referred(str(schema["$ref"]), root), echo, root, depth + 1)
    simplest: dict[str, Any] = {"number": 1, "integer": 1, "boolean": True, "array": [], "null": None}
    if "const" in schema or schema.get("enum"):
        return schema["const"] if "const" in schema else schema["enum"][0]
    if schema.get("type") == "object" or "properties" in schema:
        members: dict[str, Any] = schema.get("properties") or {}
        return {name: instance_of(member, echo, root, depth + 1) for name, member in members.items()}
    return simplest.get(schema.get("type", ""), echo)


def _referred(reference: str, root: dict[str, Any]) -> dict[str, Any]:
    """What a reference inside the same schema points at; anything where there is nothing, or only references."""
    place: Any = root
    for name in reference.removeprefix("#/").split("/"):
        place = place.get(name) if isinstance(place, dict) else None
    return place if isinstance(place, dict) and "$ref" not in place else {}
