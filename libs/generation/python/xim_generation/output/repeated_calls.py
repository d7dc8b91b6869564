"""Required calls without repeats: a call that equals the call before it is left out and ends the choice."""

from __future__ import annotations

from .event import Event


class RepeatFilter:
    """Holds back the events of a call as long as they equal the beginning of the call before it."""

    def __init__(self) -> None:
        self._before: tuple[str, str] | None = None
        self._name = ""
        self._arguments = ""
        self._held: list[Event] = []

    @property
    def holding(self) -> bool:
        """Whether the last call is complete and equals the call before it."""
        return bool(self._held) and (self._name, self._arguments) == self._before

    def push(self, event: Event) -> list[Event]:
        """The released events; events of text are unchanged."""
        if event["type"] == "tool-call":
            released = self.finish()
            self._before = (self._name, self._arguments) if event["call"] else None
            self._name, self._arguments = event["name"], ""
            self._held = [event]
            return [*released, *self._release()]
        if event["type"] == "tool-call-delta":
            self._arguments += event["arguments"]
            if not self._held:
                return [event]
            self._held.append(event)
            return self._release()
        return [event]

    def finish(self) -> list[Event]:
        """The held events, since their call was cut or differs from the call before it."""
        held, self._held = self._held, []
        return held

    def drop(self) -> None:
        self._held = []

    def _release(self) -> list[Event]:
        if self._before is not None and self._before[0] == self._name and self._before[1].startswith(self._arguments):
            return []
        return self.finish()
