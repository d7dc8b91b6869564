"""The output of gpt-oss: messages to several channels. Source: OpenAI, the harmony response format.

<|channel|>analysis<|message|>thought<|end|><|start|>assistant<|channel|>final<|message|>answer<|return|>
<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"place": "Basel"}<|call|>
"""

from __future__ import annotations

import re

from .event import Event
from .state_parser import StateParser
from .stop_text import first_stop, overlap
from .tool_calls import new_id

CHANNEL, MESSAGE, START, CONSTRAIN = "<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"
END, CALL, RETURN = "<|end|>", "<|call|>", "<|return|>"
MARKS = (CHANNEL, MESSAGE, START, CONSTRAIN, END, CALL, RETURN)

_ENDS = (END, CALL, RETURN, START, CHANNEL)
_RECIPIENT = re.compile(r"to=(?:functions\.)?([^\s<]+)")
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)")


class HarmonyParser(StateParser):
    """A `Parser`. The prompt ended with `<|start|>assistant`, or with the header of the answer."""

    def __init__(self, tools: bool, single: bool, required: bool) -> None:
        self.calls = 0
        self.complete_calls = 0
        self._tools = tools
        self._single = single
        self._required = required
        super().__init__()
        self._kind = "text"
        self._state = self._start

    @property
    def thinking(self) -> bool:
        return self._kind == "reasoning"

    def finish(self) -> list[Event]:
        events: list[Event] = []
        rest, self._pending = self._pending, ""
        if self._state in (self._body, self._start):
            self._say(events, rest)
        if self._kind == "call":
            self._kind = "text"
            # The end of a call ends the generation and is not text.
            self.complete_calls = self.calls
        return events

    def _start(self, _: list[Event]) -> bool:
        begun = self._pending.lstrip()
        if begun.startswith((CHANNEL, START, "to=")):
            self._state = self._header
            return True
        if any(mark.startswith(begun) for mark in (CHANNEL, START, "to=")):
            return False
        self._state = self._body
        return True

    def _header(self, events: list[Event]) -> bool:
        at = self._pending.find(MESSAGE)
        if at < 0:
            return False
        header, self._pending = self._pending[:at], self._pending[at + len(MESSAGE) :]
        recipient, channel = _RECIPIENT.search(header), _CHANNEL.search(header)
        self._state = self._body
        if recipient and self._tools:
            self._kind = "call"
            events.append({"type": "tool-call", "call": self.calls, "id": new_id(), "name": recipient[1]})
            self.calls += 1
        else:
            self._kind = "reasoning" if channel and channel[1] == "analysis" else "text"
        return True

    def _body(self, events: list[Event]) -> bool:
        found = first_stop(self._pending, _ENDS)
        if found is None:
            end = len(self._pending) - max(overlap(self._pending, mark) for mark in _ENDS)
            self._say(events, self._pending[:end])
            self._pending = self._pending[end:]
            return False
        at, mark = found
        self._say(events, self._pending[:at])
        self._pending = self._pending[at if mark in (START, CHANNEL) else at + len(mark) :]
        if self._kind == "call":
            self.complete_calls += 1
        self._kind = "text"
        self._state = self._nothing if self._single and self.complete_calls else self._next
        return True

    def _next(self, _: list[Event]) -> bool:
        """Between two messages only a header is allowed."""
        found = first_stop(self._pending, (CHANNEL, START))
        if found is None:
            held = max(overlap(self._pending, mark) for mark in (CHANNEL, START))
            self._pending = self._pending[len(self._pending) - held :]
            return False
        self._pending = self._pending[found[0] :]
        self._state = self._header
        return True

    def _nothing(self, _: list[Event]) -> bool:
        self._pending = ""
        return False

    def _say(self, events: list[Event], text: str) -> None:
        if not text:
            return
        if self._kind == "call":
            events.append({"type": "tool-call-delta", "call": self.calls - 1, "arguments": text})
        elif not self._required or self._kind == "reasoning":
            events.append({"type": "reasoning-delta" if self._kind == "reasoning" else "text-delta", "text": text})
