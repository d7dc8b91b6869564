"""Runs a StepHandler: what arrived is added, then one step for all calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .calls import failure
from .handlers import Event, StepHandler
from .turns import Turn
from .wire import Connection


class StepRunner:
    def __init__(self, handler: StepHandler, connection: Connection) -> None:
        self._handler = handler
        self._connection = connection

    @property
    def busy(self) -> bool:
        return self._handler.busy

    def call(self, call: int, request: Any, credit: int | None, turn: Turn | None) -> None:
        try:
            events: Sequence[Event] = self._handler.add(call, request, turn)
        except Exception as error:
            events = [failure(error)]
        if events:
            self._connection.send_events([(call, event) for event in events])

    def cancel(self, call: int) -> None:
        self._handler.cancel(call)

    def credit(self, call: int, amount: int) -> None:
        """Text is not counted."""

    def step(self) -> None:
        events = self._handler.step()
        if events:
            self._connection.send_events(events)
        else:
            self._connection.send_alive()
