"""The handler of `generate` with calls that run to their end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from xim_engine_echo.generate import Generate
from xim_worker import Context, Event, Plan


def make_context(slots: int = 4, wake: Callable[[], None] = lambda: None, **options: Any) -> Context:
    return Context(
        model={"id": "xim/echo-test"},
        model_path="",
        options=options,
        plan=Plan(threads=1, slots=slots, kv_cache_bytes=0, batch_tokens=128),
        rank=0,
        progress=lambda step, fraction: None,
        wake=wake,
    )


class Service:
    """A handler of `generate`, and calls that run to their end."""

    def __init__(self, slots: int = 4, **options: Any) -> None:
        self._awake = threading.Event()
        self.handler = Generate()
        self.info = self.handler.load(make_context(slots, self._awake.set, **options))
        self._number = 0

    def add(self, **request_: Any) -> int:
        request: Any = request_
        self._number += 1
        if isinstance(request["prompt"], str):
            request["prompt"] = {"text": request["prompt"]}
        assert self.handler.add(self._number, request) == []
        return self._number

    def steps(self) -> Sequence[tuple[int, Event]]:
        """The events of the next step, once there is one to take."""
        while not self.handler.busy:
            assert self._awake.wait(10), "a prepared call wakes the runtime"
            self._awake.clear()
        return self.handler.step()

    def finish(self, *numbers: int) -> list[list[Event]]:
        """The events of calls, all of them run to their end."""
        events: dict[int, list[Event]] = {number: [] for number in numbers}
        while not all(own and own[-1]["type"] in ("end", "error") for own in events.values()):
            for number, event in self.steps():
                events[number].append(event)
        return list(events.values())

    def run(self, **request: Any) -> list[Event]:
        return self.finish(self.add(**request))[0]

    def say(self, **request: Any) -> str:
        """The text of a call's first choice."""
        return text(self.run(**request))


def text(events: list[Event], kind: str = "text-delta", choice: int = 0) -> str:
    return "".join(event["text"] for event in events if event["type"] == kind and event["choice"] == choice)
