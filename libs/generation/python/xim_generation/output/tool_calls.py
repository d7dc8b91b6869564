"""Tool calls in a model's text, each between marks, as models of the Hermes and Qwen family write them:

    <tool_call>
    {"name": "weather", "arguments": {"place": "Basel"}}
    </tool_call>

Text that cannot be parsed as a call is passed on as text. A call whose name has been read stays a call:
its arguments are passed on as the model wrote them, even if they are cut or not JSON.
"""

from __future__ import annotations

import json
import re
import secrets
import string
from dataclasses import dataclass

from .arguments_end import ArgumentsEnd
from .event import Event
from .state_parser import StateParser
from .stop_text import first_stop, overlap

BEGIN, END = "<tool_call>", "</tool_call>"

_HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)+")\s*,\s*"arguments"\s*:\s*')
_ID_CHARACTERS = string.ascii_letters + string.digits


def new_id(length: int = 24, prefix: str = "call_") -> str:
    return prefix + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(length))


@dataclass(frozen=True)
class MarkedSyntax:
    """Calls between `begin` and `end`."""

    begin: str
    end: str
    head: re.Pattern[str]
    """The text after `begin` and before the arguments, with the name as its group; no shorter text may match."""
    json: bool = False
    """The whole call is a JSON object and the group a JSON string; its members may be in another order."""
    silent: tuple[str, ...] = ()
    """Marks that are neither text nor part of a call."""


HERMES = MarkedSyntax(BEGIN, END, _HEAD, json=True)


class ToolCallParser(StateParser):
    """Takes text in pieces of any size; returns events without `choice` and `tokens`, in the text's order.

    White space around calls is not text. `single`: text after the first call is left out. `required`: the output
    consists of calls only, so the beginning of a call that was cut before its arguments is left out. No more `push`
    after `finish`.
    """

    def __init__(self, single: bool = False, required: bool = False, syntax: MarkedSyntax = HERMES) -> None:
        self._syntax = syntax
        self._single = single
        self._required = required
        self.calls = 0
        """Number of calls that have begun; each has had its `tool-call` event."""
        self.complete = 0
        """Number of calls that have ended."""
        super().__init__()
        # White space before a possible call; passed on as text if no call follows.
        self._gap = ""
        self._state = self._text
        self._arguments = ArgumentsEnd(self._syntax.end)

    def finish(self) -> list[Event]:
        """The events of held-back text; a call that was cut keeps the arguments that were received."""
        rest, self._pending = self._pending, ""
        events: list[Event] = []
        if self._required and self._state in (self._head, self._text):
            pass
        elif self._state == self._head:
            say(events, self._gap + self._syntax.begin + rest)
        elif self._state == self._argument:
            self._argue(events, rest.rstrip() if rest.startswith("\n") else rest)
        elif self._state == self._text and (rest.strip() or not self.calls):
            say(events, rest)
        return events

    def _text(self, events: list[Event]) -> bool:
        marks = (self._syntax.begin, *self._syntax.silent)
        found = first_stop(self._pending, marks)
        if found:
            at, mark = found
            text = self._pending[:at].rstrip()
            self._gap = self._pending[len(text) : at]
            say(events, text)
            self._pending = self._pending[at + len(mark) :]
            if mark == self._syntax.begin:
                self._state = self._head
            return True
        held = max(overlap(self._pending, mark) for mark in marks)
        ready = self._pending[: len(self._pending) - held].rstrip()
        self._pending = self._pending[len(ready) :]
        say(events, ready)
        return False

    def _head(self, events: list[Event]) -> bool:
        head = self._syntax.head.match(self._pending)
        if head and head.end() < len(self._pending):
            name = to_name(head[1]) if self._syntax.json else head[1]
            if name is None:
                return self._no_call(events)
            self._begin(events, name)
            self._pending = self._pending[head.end() :]
            self._arguments = ArgumentsEnd(self._syntax.end)
            self._state = self._argument
            return True
        begun = self._pending.lstrip()
        if self._syntax.json and begun and begun[0] != "{":
            return self._no_call(events)
        end = self._pending.find(self._syntax.end)
        if end < 0:
            return False
        # The members may be in another order, or there are no arguments.
        call = to_call(self._pending[:end]) if self._syntax.json else None
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
        end = self._pending.find(self._syntax.end)
        if end < 0:
            self._pending = self._pending[len(self._pending) - overlap(self._pending, self._syntax.end) :]
            return False
        self._pending = self._pending[end + len(self._syntax.end) :]
        self.complete += 1
        self._state = self._nothing if self._single else self._text
        return True

    def _nothing(self, _: list[Event]) -> bool:
        self._pending = ""
        return False

    def _no_call(self, events: list[Event]) -> bool:
        say(events, self._gap + self._syntax.begin)
        self._state = self._text
        return True

    def _begin(self, events: list[Event], name: str) -> None:
        events.append({"type": "tool-call", "call": self.calls, "id": new_id(), "name": name})
        self.calls += 1

    def _argue(self, events: list[Event], text: str) -> None:
        if text:
            events.append({"type": "tool-call-delta", "call": self.calls - 1, "arguments": text})


def to_name(quoted: str) -> str | None:
    try:
        name: str = json.loads(quoted)
    except ValueError:
        return None
    return name


def to_call(body: str) -> tuple[str, str] | None:
    """Name and arguments of a whole call."""
    try:
        call = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(call, dict) or not isinstance(call.get("name"), str) or not call["name"]:
        return None
    arguments = call.get("arguments", call.get("parameters", {}))
    return call["name"], json.dumps(arguments, ensure_ascii=False)


def say(events: list[Event], text: str) -> None:
    if text:
        events.append({"type": "text-delta", "text": text})
