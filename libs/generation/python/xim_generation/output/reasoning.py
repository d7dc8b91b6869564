"""Separates a model's thought from its answer: `<think>…</think>` at the beginning of the output."""

from __future__ import annotations

from .event import Event
from .state_parser import StateParser
from .stop_text import overlap

BEGIN, END = "<think>", "</think>"


class ReasoningParser(StateParser):
    """Takes text in pieces of any size; returns events without `choice` and `tokens`, in the text's order.

    `inside`: the prompt itself ended with `<think>`. A thought without a closing mark is reasoning to the end. White
    space around the marks is neither reasoning nor answer. Later marks are text.
    """

    def __init__(self, inside: bool, begin: str = BEGIN, end: str = END) -> None:
        self._begin, self._end = begin, end
        super().__init__()
        self._state = self._thought if inside else self._start
        # White space at the beginning of the next text is left out.
        self._fresh = True

    @property
    def inside(self) -> bool:
        return self._state == self._thought

    def finish(self) -> list[Event]:
        rest, self._pending = self._pending, ""
        if self._fresh and self._state != self._start:
            rest = rest.lstrip()
        if self._state == self._thought:
            rest = rest.rstrip()
        return [self._to_event(rest)] if rest else []

    def _start(self, _: list[Event]) -> bool:
        begun = self._pending.lstrip()
        if begun.startswith(self._begin):
            self._pending = begun[len(self._begin) :]
            self._state = self._thought
            return True
        if self._begin.startswith(begun):
            return False
        self._fresh = False
        self._state = self._answer
        return True

    def _thought(self, events: list[Event]) -> bool:
        if self._fresh:
            self._pending = self._pending.lstrip()
        at = self._pending.find(self._end)
        held = overlap(self._pending, self._end)
        ready = (self._pending[:at] if at >= 0 else self._pending[: len(self._pending) - held]).rstrip()
        if ready:
            events.append(self._to_event(ready))
            self._fresh = False
        if at < 0:
            self._pending = self._pending[len(ready) :]
            return False
        self._pending = self._pending[at + len(self._end) :]
        self._state = self._answer
        self._fresh = True
        return True

    def _answer(self, events: list[Event]) -> bool:
        ready, self._pending = self._pending, ""
        if self._fresh:
            ready = ready.lstrip()
        if ready:
            events.append(self._to_event(ready))
            self._fresh = False
        return False

    def _to_event(self, text: str) -> Event:
        return {"type": "reasoning-delta" if self.inside else "text-delta", "text": text}
