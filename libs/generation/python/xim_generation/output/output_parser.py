"""A model's text as events: reasoning first, then the answer with its tool calls."""

from __future__ import annotations

from xim_worker import Event

from .reasoning import ReasoningParser
from .tool_calls import ToolCallParser


class OutputParser:
    """Events come without `choice` and `tokens`. A parser that is None finds nothing: its marks are text."""

    def __init__(self, reasoning: ReasoningParser | None, tools: ToolCallParser | None) -> None:
        self._reasoning = reasoning
        self._tools = tools

    @property
    def thinking(self) -> bool:
        return self._reasoning is not None and self._reasoning.inside

    @property
    def holding(self) -> bool:
        """Whether text that was pushed may still become events."""
        return any(parser is not None and parser.holding for parser in (self._reasoning, self._tools))

    @property
    def calls(self) -> int:
        """Calls that were begun."""
        return self._tools.calls if self._tools else 0

    @property
    def complete_calls(self) -> int:
        return self._tools.complete if self._tools else 0

    def push(self, text: str) -> list[Event]:
        return self._call(self._reasoning.push(text) if self._reasoning else [{"type": "text-delta", "text": text}])

    def finish(self) -> list[Event]:
        """What was held back."""
        events = self._call(self._reasoning.finish()) if self._reasoning else []
        return events + (self._tools.finish() if self._tools else [])

    def _call(self, events: list[Event]) -> list[Event]:
        if self._tools is None:
            return events
        called: list[Event] = []
        for event in events:
            called += self._tools.push(event["text"]) if event["type"] == "text-delta" else [event]
        return called
