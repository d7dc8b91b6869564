"""Tool calls out of a model's text, as models of the Hermes and Qwen family write them:

    <tool_call>
    {"name": "weather", "arguments": {"place": "Basel"}}
    </tool_call>

What cannot be read as a call comes out as the text it is. A call whose name is known is a call, whatever follows:
its arguments are passed on as the model wrote them, also where they are cut or no JSON.
"""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Callable

from xim_worker import Event

from .arguments_end import ArgumentsEnd
from .text_stream import overlap

BEGIN, END = "<tool_call>", "</tool_call>"

_HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)+")\s*,\s*"arguments"\s*:\s*')
_ID_CHARACTERS = string.ascii_letters + string.digits


class ToolCallParser:
    """Text in, in pieces of any size; events without `choice` and `tokens` out, in the text's order.

    White space around calls is not text. `single`: what comes after the first call is left out. `required`: there is
    nothing but calls, so the beginning of one that was cut, before its arguments, is left out. `push` no more after
    `finish`.
    """

    def __init__(self, single: bool = False, required: bool = False) -> None:
        self._single = single
        self._required = required
        self.calls = 0
        """Calls that were begun; each has had its `tool-call` event."""
        self.complete = 0
        """Calls that have ended."""
        self._pending = ""
        # White space before a call; text after all, if it turns out to be none.
        self._gap = ""
        self._state: Callable[[list[Event]], bool] = self._text
        self._arguments = ArgumentsEnd(END)

    @property
    def holding(self) -> bool:
        return self._pending != ""

    def push(self, text: str) -> list[Event]:
        self._pending += text
        events: list[Event] = []
        while self._state(events):
            pass
        return _joined(events)

    def finish(self) -> list[Event]:
        """What was held back; a call that was cut keeps what came of it."""
        rest, self._pending = self._pending, ""
        events: list[Event] = []
        if self._required and self._state in (self._head, self._text):
            pass
        elif self._state == self._head:
            _say(events, self._gap + BEGIN + rest)
        elif self._state == self._argument:
            self._argue(events, rest.rstrip() if rest.startswith("\n") else rest)
        elif self._state == self._text and (rest.strip() or not self.calls):
            _say(events, rest)
        return events

    # A state takes what it can from what is pending, and says whether to go on.

    def _text(self, events: list[Event]) -> bool:
        at = self._pending.find(BEGIN)
        if at >= 0:
            text = self._pending[:at].rstrip()
            self._gap = self._pending[len(text) : at]
            _say(events, text)
            self._pending = self._pending[at + len(BEGIN) :]
            self._state = self._head
            return True
        ready = self._pending[: len(self._pending) - overlap(self._pending, BEGIN)].rstrip()
        self._pending = self._pending[len(ready) :]
        _say(events, ready)
        return False

    def _head(self, events: list[Event]) -> bool:
        head = _HEAD.match(self._pending)
        if head and head.end() < len(self._pending):
            name = _to_name(head[1])
            if name is None:
                return self._no_call(events)
            self._begin(events, name)
            self._pending = self._pending[head.end() :]
            self._arguments = ArgumentsEnd(END)
            self._state = self._argument
            return True
        begun = self._pending.lstrip()
        if begun and begun[0] != "{":
            return self._no_call(events)
        end = self._pending.find(END)
        if end < 0:
            return False
        # Its members may be in another order, or there are no arguments.
        call = _to_call(self._pending[:end])
        if call is None:
            return self._no_call(events)
        self._begin(events, call[0])
        self._argue(events, call[1])
        self._pending = self._pending[end:]
        self._state = self._tail
        return True

    def _argument(self, events: list[Event]) -> bool:
        taken = self._arguments.take(self._pending)
        self._argue(events, self._pending[:taken])
        self._pending = self._pending[taken:]
        if not self._arguments.over:
            return False
        self._state = self._tail
        return True

    def _tail(self, _: list[Event]) -> bool:
        end = self._pending.find(END)
        if end < 0:
            self._pending = self._pending[len(self._pending) - overlap(self._pending, END) :]
            return False
        self._pending = self._pending[end + len(END) :]
        self.complete += 1
        self._state = self._nothing if self._single else self._text
        return True

    def _nothing(self, _: list[Event]) -> bool:
        self._pending = ""
        return False

    def _no_call(self, events: list[Event]) -> bool:
        _say(events, self._gap + BEGIN)
        self._state = self._text
        return True

    def _begin(self, events: list[Event], name: str) -> None:
        identifier = "call_" + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(24))
        events.append({"type": "tool-call", "call": self.calls, "id": identifier, "name": name})
        self.calls += 1

    def _argue(self, events: list[Event], text: str) -> None:
        if text:
            events.append({"type": "tool-call-delta", "call": self.calls - 1, "arguments": text})


def _to_name(quoted: str) -> str | None:
    try:
        name: str = json.loads(quoted)
    except ValueError:
        return None
    return name


def _to_call(body: str) -> tuple[str, str] | None:
    """Name and arguments of a whole call."""
    try:
        call = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(call, dict) or not isinstance(call.get("name"), str) or not call["name"]:
        return None
    arguments = call.get("arguments", call.get("parameters", {}))
    return call["name"], json.dumps(arguments, ensure_ascii=False)


def _say(events: list[Event], text: str) -> None:
    if text:
        events.append({"type": "text-delta", "text": text})


def _joined(events: list[Event]) -> list[Event]:
    """Texts that follow each other as one."""
    joined: list[Event] = []
    for event in events:
        if joined and event["type"] == joined[-1]["type"] == "text-delta":
            joined[-1]["text"] += event["text"]
        else:
            joined.append(event)
    return joined
