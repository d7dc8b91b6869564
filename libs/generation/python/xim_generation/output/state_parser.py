"""The base class of all parsers of a model's output: text in pieces, and states that consume it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from .event import Event

State = Callable[[list[Event]], bool]
"""Consumes pending text, appends events, and returns whether to continue."""


class StateParser(ABC):
    """Takes text in pieces of any size; returns events without `choice` and `tokens`, in the text's order.

    A subclass sets `_state`. No more `push` after `finish`.
    """

    _state: State

    def __init__(self) -> None:
        self._pending = ""

    @property
    def holding(self) -> bool:
        """Whether pushed text may still become events."""
        return self._pending != ""

    def push(self, text: str) -> list[Event]:
        self._pending += text
        events: list[Event] = []
        while self._state(events):
            pass
        return joined(events)

    @abstractmethod
    def finish(self) -> list[Event]:
        """The events of the text that was held back."""


def joined(events: list[Event]) -> list[Event]:
    """Adjacent texts are joined."""
    merged: list[Event] = []
    for event in events:
        if merged and event["type"] == merged[-1]["type"] == "text-delta":
            merged[-1]["text"] += event["text"]
        else:
            merged.append(event)
    return merged
