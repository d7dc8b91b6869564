"""The frame of every parser of a model's output: text in pieces, states that take what they can."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from .event import Event

State = Callable[[list[Event]], bool]
"""Takes what it can from what is pending, appends events, and says whether to go on."""


class StateParser(ABC):
    """Text in, in pieces of any size; events without `choice` and `tokens` out, in the text's order.

    A subclass sets `_state`. `push` no more after `finish`.
    """

    _state: State

    def __init__(self) -> None:
        self._pending = ""

    @property
    def holding(self) -> bool:
        """Whether text that was pushed may still become events."""
        return self._pending != ""

    def push(self, text: str) -> list[Event]:
        self._pending += text
        events: list[Event] = []
        while self._state(events):
            pass
        return joined(events)

    @abstractmethod
    def finish(self) -> list[Event]:
        """The events of what was held back."""


def joined(events: list[Event]) -> list[Event]:
    """Texts that follow each other as one."""
    merged: list[Event] = []
    for event in events:
        if merged and event["type"] == merged[-1]["type"] == "text-delta":
            merged[-1]["text"] += event["text"]
        else:
            merged.append(event)
    return merged
