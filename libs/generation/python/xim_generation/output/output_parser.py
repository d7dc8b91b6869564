"""A model's text as events: reasoning first, then the answer with its tool calls."""

from __future__ import annotations

from typing import Protocol

from .event import Event
from .reasoning import ReasoningParser


class Parser(Protocol):
    """Text in, in pieces of any size; events without `choice` and `tokens` out, in the text's order.

    How the text is cut into pieces changes neither the events' order nor their joined texts. `push` no more after
    `finish`, which gives what was held back.
    """

    @property
    def thinking(self) -> bool:
        """Whether the next text is a thought."""
        ...

    @property
    def holding(self) -> bool:
        """Whether text that was pushed may still become events."""
        ...

    @property
    def calls(self) -> int:
        """Calls that were begun; each has had its `tool-call` event."""
        ...

    @property
    def complete_calls(self) -> int: ...

    def push(self, text: str) -> list[Event]: ...

    def finish(self) -> list[Event]: ...


class CallParser(Protocol):
    """Like `Parser`, for the answer alone.

    It is made from `single`: what comes after the first call is left out; and `required`: there is nothing but calls,
    so the beginning of a call that was cut before its arguments is left out.
    """

    calls: int
    complete: int

    @property
    def holding(self) -> bool: ...

    def push(self, text: str) -> list[Event]: ...

    def finish(self) -> list[Event]: ...


class OutputParser:
    """A `Parser` out of two. One that is None finds nothing: its marks are text."""

    def __init__(self, reasoning: ReasoningParser | None, tools: CallParser | None) -> None:
        self._reasoning = reasoning
        self._tools = tools

    @property
    def thinking(self) -> bool:
        return self._reasoning is not None and self._reasoning.inside

    @property
    def holding(self) -> bool:
        return (self._reasoning is not None and self._reasoning.holding) or (
            self._tools is not None and self._tools.holding
        )

    @property
    def calls(self) -> int:
        return self._tools.calls if self._tools else 0

    @property
    def complete_calls(self) -> int:
        return self._tools.complete if self._tools else 0

    def push(self, text: str) -> list[Event]:
        return self._call(self._reasoning.push(text) if self._reasoning else [{"type": "text-delta", "text": text}])

    def finish(self) -> list[Event]:
        events = self._call(self._reasoning.finish()) if self._reasoning else []
        return events + (self._tools.finish() if self._tools else [])

    def _call(self, events: list[Event]) -> list[Event]:
        if self._tools is None:
            return events
        called: list[Event] = []
        for event in events:
            called += self._tools.push(event["text"]) if event["type"] == "text-delta" else [event]
        return called
