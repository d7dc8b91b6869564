"""Converts a model's text to events: first reasoning, then the answer with its tool calls."""

from __future__ import annotations

from typing import Protocol

from .event import Event
from .reasoning import ReasoningParser


class Parser(Protocol):
    """Takes text in pieces of any size; returns events without `choice` and `tokens`, in the text's order.

    The cuts between pieces change neither the events' order nor their joined texts. No more `push` after `finish`,
    which returns the text that was held back.
    """

    @property
    def thinking(self) -> bool:
        """Whether the next text is a thought."""
        ...

    @property
    def holding(self) -> bool:
        """Whether pushed text may still become events."""
        ...

    @property
    def calls(self) -> int:
        """Number of calls that have begun; each has had its `tool-call` event."""
        ...

    @property
    def complete_calls(self) -> int: ...

    def push(self, text: str) -> list[Event]: ...

    def finish(self) -> list[Event]: ...


class CallParser(Protocol):
    """Like `Parser`, for the answer alone.

    It is made from `single`: text after the first call is left out; and `required`: the output consists of calls only,
    so the beginning of a call that was cut before its arguments is left out.
    """

    calls: int
    complete: int

    @property
    def holding(self) -> bool: ...

    def push(self, text: str) -> list[Event]: ...

    def finish(self) -> list[Event]: ...


class OutputParser:
    """Combines two parsers to a `Parser`. If one of them is None, its marks are text."""

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
