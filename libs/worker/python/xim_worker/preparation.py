"""Prepares calls of a BatchHandler in a few threads of its own, in turns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from .fair_batch import BatchCall
from .handlers import Item
from .process import leave
from .turns import TurnQueue
from .wire import HostGone

_THREADS = 2
# Items of one turn: the longest time for which a call with many items holds a thread.
_TURN = 64
# The host admits fewer calls at once. More calls are a fault, and they are refused.
_MOST_CALLS = 8192


class Preparation:
    """A call with many items has a turn of a few items, then the turns of the others follow.

    `done` gets a call whose items are complete, `failed` a call whose preparation raised; both are called from the
    threads here. A call that is over is forgotten at its next turn.
    """

    def __init__(
        self,
        prepare: Callable[[Any], Iterable[Item]],
        done: Callable[[BatchCall], None],
        failed: Callable[[BatchCall, Exception], None],
    ) -> None:
        self._prepare = prepare
        self._done = done
        self._failed = failed
        self._line: TurnQueue[BatchCall] = TurnQueue()
        self._arrived = threading.Condition()
        for number in range(_THREADS):
            threading.Thread(target=self._run, name=f"prepare-{number}", daemon=True).start()

    def add(self, call: BatchCall) -> None:
        with self._arrived:
            full = len(self._line) >= _MOST_CALLS
            if not full:
                self._line.add(call.turn, call)
                self._arrived.notify()
        if full:
            self._failed(call, RuntimeError(f"{_MOST_CALLS} calls wait to be prepared; expected fewer from the host"))

    def _run(self) -> None:
        try:
            while True:
                with self._arrived:
                    while not self._line:
                        self._arrived.wait()
                    call = self._line.pop()
                if not call.over:
                    self._turn(call)
        except HostGone:
            leave(1)

    def _turn(self, call: BatchCall) -> None:
        try:
            if call.source is None:
                call.source = iter(self._prepare(call.request))
            before = len(call.items)
            call.items += islice(call.source, _TURN)
        except HostGone:
            raise
        except Exception as error:
            self._failed(call, error)
            return
        if len(call.items) - before < _TURN:
            call.source = None
            call.order()
            self._done(call)
            return
        with self._arrived:
            self._line.add(call.turn, call)
            self._arrived.notify()
