"""Required tool calls as a grammar in the Lark dialect of llguidance (guidance-ai/llguidance, docs/syntax.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from xim_worker import InvalidInput

from ..chat.dialects import CallForm
from ..chat.tools import ToolUse
from .schema import PlainSchema

# Maximum number of calls in one output.
_MOST_CALLS = 32
_NO_ARGUMENTS = {"type": "object", "properties": {}, "additionalProperties": False}


def to_options(schema: PlainSchema) -> dict[str, Any]:
    """llguidance's options for JSON in the style of models: a space after a comma and a colon, no other white space."""
    options = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False, "coerce_one_of": True}
    # An escaped name (\\u) would pass as a different name, so every character has only one spelling.
    return {**options, "json_allowed_escapes": '"\\\\bfnrt'} if schema.names_open else options


def _may_be_object(schema: dict[str, Any]) -> bool:
    types = schema.get("type", "object")
    return "object" in (types if isinstance(types, list) else [types])


class ToolGrammar:
    """`lark`: one call, or 1 to 32 calls, of the allowed tools, each with arguments that fit the tool.

    `added`: text → token of the tokenizer's added tokens; a mark among them becomes that token. `checks`: by tool, the
    schema for the validation of finished arguments, where the grammar alone does not enforce the whole schema.
    """

    def __init__(self, use: ToolUse, form: CallForm, added: Mapping[str, int]) -> None:
        self.checks: dict[str, Any] = {}
        if form.arguments != "json":
            message = (
                "This model writes its calls as XML, which a grammar cannot enforce; leave the tool choice at auto."
            )
            raise InvalidInput(message, "prompt.toolChoice", "XIM_UNSUPPORTED_PARAMETER")
        self._added = added
        rules, calls = [], []
        for number, tool in enumerate(use.shown):
            if use.name is not None and tool["name"] != use.name:
                continue
            schema, options = self._to_schema(tool, f"prompt.tools.{number}.parameters")
            name = json.dumps(tool["name"], ensure_ascii=False)[1:-1]
            begin = self._to_lark(form.begin + name + form.middle)
            body = json.dumps({**schema, "x-guidance": options})
            rules.append(f"call_{number}: {begin} arguments_{number} {self._to_lark(form.end)}")
            rules.append(f"arguments_{number}: %json {body}")
            calls.append(f"call_{number}")
        more = (
            "" if use.single or not form.parallel else f" ({self._to_lark(form.separator)} call){{0,{_MOST_CALLS - 1}}}"
        )
        start = f"start: {self._to_lark(form.first)} call{more} {self._to_lark(form.last)}"
        self.lark = "\n".join([re.sub(r" +", " ", start), f"call: {' | '.join(calls)}", *rules])

    def _to_schema(self, tool: dict[str, Any], param: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arguments' schema for the grammar, and options. Absent parameters mean no arguments."""
        parameters = tool.get("parameters")
        try:
            plain = PlainSchema(_NO_ARGUMENTS if parameters is None else parameters, param)
        except InvalidInput as error:
            raise InvalidInput(f"Parameters of the tool {tool['name']!r}: {error}", error.param, error.code) from None
        if plain.checked:
            self.checks[tool["name"]] = parameters
        schema = {} if plain.grammar is True else plain.grammar
        if schema is False or not _may_be_object(schema):
            raise InvalidInput(f"No arguments fit the parameters of the tool {tool['name']!r}.", param)
        # Arguments are always an object. A referenced schema may not state this, so the type is added.
        return {**schema, "type": "object"}, to_options(plain)

    def _to_lark(self, text: str) -> str:
        """Literals, and marks that are tokens of their own."""
        marks = [mark for mark in self._added if mark and mark in text]
        if not marks:
            return json.dumps(text) if text else ""
        pattern = "|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True))
        parts = re.split(f"({pattern})", text)
        return " ".join(
            f"<[{self._added[part]}]>" if part in self._added else json.dumps(part) for part in parts if part
        )
