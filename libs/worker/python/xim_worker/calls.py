"""Runs a CallHandler: a thread per call up to the plan's slots, cancellation and credit between its events."""

from __future__ import annotations

import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from .handlers import CallHandler, InvalidInput
from .process import leave
from .turns import Turn
from .wire import Connection, HostGone


def failure(error: Exception) -> dict[str, Any]:
    """The `error` event for what a handler raised. What is not the caller's fault goes to the log."""
    if isinstance(error, InvalidInput):
        return {"type": "error", "code": error.code, "message": str(error), "param": error.param}
    traceback.print_exception(error, file=sys.stderr)
    return {"type": "error", "code": "XIM_ENGINE_REQUEST", "message": f"{type(error).__name__}: {error}"}


class _Call:
    def __init__(self, request: Any, credit: int | None) -> None:
        self.request = request
        self.cancelled = False
        self.credit = credit
        self.changed = threading.Condition()

    def take_credit(self, amount: int) -> None:
        """Waits until credit is above zero, then takes `amount`; returns at once when the call is cancelled."""
        with self.changed:
            while self.credit is not None and self.credit <= 0 and not self.cancelled:
                self.changed.wait()
            if self.credit is not None:
                self.credit -= amount


class CallRunner:
    busy = False

    def __init__(self, handler: CallHandler, connection: Connection, slots: int) -> None:
        self._handler = handler
        self._connection = connection
        self._threads = ThreadPoolExecutor(max_workers=slots, thread_name_prefix="call")
        self._calls: dict[int, _Call] = {}

    def call(self, call: int, request: Any, credit: int | None, turn: Turn | None) -> None:
        """`turn` has no effect: admission gives no more calls at once than there are threads."""
        open_call = _Call(request, credit)
        self._calls[call] = open_call
        self._threads.submit(self._run, call, open_call)

    def cancel(self, call: int) -> None:
        open_call = self._calls.get(call)
        if open_call is not None:
            with open_call.changed:
                open_call.cancelled = True
                open_call.changed.notify()

    def credit(self, call: int, amount: int) -> None:
        open_call = self._calls.get(call)
        if open_call is not None and open_call.credit is not None:
            with open_call.changed:
                open_call.credit += amount
                open_call.changed.notify()

    def step(self) -> None:
        """Calls run in their own threads."""

    def _run(self, call: int, open_call: _Call) -> None:
        try:
            if not open_call.cancelled:
                self._send_all(call, open_call)
        except HostGone:
            leave(1)
        except Exception as error:
            self._connection.send_events([(call, failure(error))])
        finally:
            self._calls.pop(call, None)

    def _send_all(self, call: int, open_call: _Call) -> None:
        ended = False
        with closing(self._handler.run(open_call.request, lambda: open_call.cancelled)) as events:
            for event in events:
                if event is None:
                    self._connection.send_alive()
                else:
                    size = sum(len(value) for value in event.values() if isinstance(value, (bytes, bytearray)))
                    if size:
                        open_call.take_credit(size)
                if open_call.cancelled:
                    return
                if event is not None:
                    self._connection.send_events([(call, event)])
                    ended = event["type"] == "end"
        if not ended:
            raise RuntimeError("the handler left a call without its end event")
