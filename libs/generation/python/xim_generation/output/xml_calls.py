"""Tool calls with an element per argument, as Qwen3-Coder writes them:

<tool_call>
<function=weather>
<parameter=place>
Basel
</parameter>
</function>
</tool_call>
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .event import Event
from .state_parser import StateParser
from .stop_text import first_stop, overlap
from .tool_calls import new_id, say

_BEGIN, _FUNCTION = "<tool_call>", "<function="
_PARAMETER, _PARAMETER_END = "<parameter=", "</parameter>"
_FUNCTION_END, _CALL_END = "</function>", "</tool_call>"
_NAME = re.compile(r"([^<>\n]+)>")
_NAME_OVER = re.compile(r"[^<>\n]*[<\n]|>")


class XmlCalls(StateParser):
    """A `CallParser`. `schemas`: the JSON Schema of each tool's arguments, which decides whether a value is a text."""

    def __init__(self, single: bool, required: bool, schemas: Mapping[str, Any]) -> None:
        self.calls = 0
        self.complete = 0
        self._single = single
        self._required = required
        self._schemas = schemas
        super().__init__()
        self._lead = ""
        self._name = ""
        self._written = 0
        self._state = self._text

    def finish(self) -> list[Event]:
        """A call that was cut keeps its complete arguments."""
        rest, self._pending = self._pending, ""
        events: list[Event] = []
        if self._required or self._state in (self._tail, self._nothing, self._body):
            return events
        if self._state in (self._marked, self._head) or rest.strip() or not self.calls:
            say(events, self._lead + rest)
        return events

    def _text(self, events: list[Event]) -> bool:
        marks = (_BEGIN, _FUNCTION)
        found = first_stop(self._pending, marks)
        if found:
            at, mark = found
            text = self._pending[:at].rstrip()
            self._lead = self._pending[len(text) : at] + mark
            say(events, text)
            self._pending = self._pending[at + len(mark) :]
            self._state = self._marked if mark == _BEGIN else self._head
            return True
        held = max(overlap(self._pending, mark) for mark in marks)
        ready = self._pending[: len(self._pending) - held].rstrip()
        self._pending = self._pending[len(ready) :]
        say(events, ready)
        return False

    def _marked(self, events: list[Event]) -> bool:
        begun = self._pending.lstrip()
        if begun.startswith(_FUNCTION):
            self._lead += self._pending[: len(self._pending) - len(begun)] + _FUNCTION
            self._pending = begun[len(_FUNCTION) :]
            self._state = self._head
            return True
        return False if _FUNCTION.startswith(begun) else self._no_call(events)

    def _head(self, events: list[Event]) -> bool:
        name = _NAME.match(self._pending)
        if name is None:
            return self._no_call(events) if _NAME_OVER.match(self._pending) else False
        self._name = name[1].strip()
        self._written = 0
        self._pending = self._pending[name.end() :]
        events.append({"type": "tool-call", "call": self.calls, "id": new_id(), "name": self._name})
        self.calls += 1
        self._lead = ""
        self._state = self._body
        return True

    def _body(self, events: list[Event]) -> bool:
        found = first_stop(self._pending, (_PARAMETER, _FUNCTION_END, _CALL_END))
        if found is None:
            return False
        at, mark = found
        if mark != _PARAMETER:
            self._argue(events, "}" if self._written else "{}")
            self._pending = self._pending[at:]
            self._state = self._tail
            return True
        # A value may contain any mark except the mark that ends it.
        rest = self._pending[at + len(mark) :]
        end = rest.find(_PARAMETER_END)
        if end < 0:
            return False
        key, _, value = rest[:end].partition(">")
        self._pending = rest[end + len(_PARAMETER_END) :]
        member = f"{json.dumps(key.strip(), ensure_ascii=False)}: {self._to_json(key.strip(), value)}"
        self._argue(events, (", " if self._written else "{") + member)
        self._written += 1
        return True

    def _tail(self, _: list[Event]) -> bool:
        if self._pending.startswith(_FUNCTION_END):
            # The mark of the whole call may be missing.
            rest = self._pending[len(_FUNCTION_END) :]
            begun = rest.lstrip()
            if not begun.startswith(_CALL_END) and _CALL_END.startswith(begun):
                return False
            self._pending = begun.removeprefix(_CALL_END) if begun.startswith(_CALL_END) else rest
        else:
            self._pending = self._pending[len(_CALL_END) :]
        self.complete += 1
        self._state = self._nothing if self._single else self._text
        return True

    def _nothing(self, _: list[Event]) -> bool:
        self._pending = ""
        return False

    def _no_call(self, events: list[Event]) -> bool:
        say(events, self._lead)
        self._lead = ""
        self._state = self._text
        return True

    def _argue(self, events: list[Event], text: str) -> None:
        events.append({"type": "tool-call-delta", "call": self.calls - 1, "arguments": text})

    def _to_json(self, key: str, value: str) -> str:
        value = value.removeprefix("\n").removesuffix("\n")
        schema = self._schemas.get(self._name)
        member = ((schema or {}).get("properties") or {}).get(key) if isinstance(schema, dict) else None
        if not isinstance(member, dict) or member.get("type") != "string":
            try:
                json.loads(value)
            except (ValueError, RecursionError):
                pass
            else:
                return value
        return json.dumps(value, ensure_ascii=False)
