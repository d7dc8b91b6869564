"""Tool calls as consecutive JSON objects, as models of the Llama 3 and Mistral families write them:

    {"name": "weather", "parameters": {"place": "Basel"}}                               Llama 3, the whole output
    <|python_tag|>{"name": "weather", "parameters": {"place": "Basel"}}                 Llama 3, after a text
    [TOOL_CALLS] [{"name": "weather", "arguments": {"place": "Basel"}}]                 Mistral
    [TOOL_CALLS]weather[ARGS]{"place": "Basel"}[TOOL_CALLS]clock[ARGS]{}                Mistral since 2025

Text that cannot be parsed as a call is passed on as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .arguments_end import ArgumentsEnd
from .event import Event
from .state_parser import StateParser, joined
from .stop_text import overlap
from .tool_calls import new_id, say, to_call, to_name

_HEAD = re.compile(
    r'\{\s*(?:"type"\s*:\s*"function"\s*,\s*)?"name"\s*:\s*("(?:[^"\\]|\\.)+")\s*,\s*"(?:arguments|parameters)"\s*:\s*'
)
_FIRST_KEY = re.compile(r'\{\s*"((?:[^"\\]|\\.)*)"')
_KEYS = ("type", "name", "id", "arguments", "parameters")
_NAMED = re.compile(r"\s*([\w.-]+)(?:\[CALL_ID\]\w+)?(?:\[ARGS\])?\s*(?=\{)")
_NAME_OVER = re.compile(r"\s*[^\n{]*[\n{]")


class ObjectCalls(StateParser):
    """A `CallParser`. `mark` begins calls; with `bare` the output may also begin with a call. `to_id` makes ids."""

    def __init__(
        self, single: bool, required: bool, *, mark: str, bare: bool, to_id: Callable[[], str] = new_id
    ) -> None:
        self.calls = 0
        self.complete = 0
        self._single = single
        self._required = required
        self._mark = mark
        self._to_id = to_id
        super().__init__()
        # The text before a possible call; passed on as text if no call follows.
        self._lead = ""
        self._named = False
        self._arguments = ArgumentsEnd(mark)
        self._state = self._start if bare else self._text

    def finish(self) -> list[Event]:
        rest, self._pending = self._pending, ""
        events: list[Event] = []
        if self._state == self._argument:
            self._argue(events, rest.rstrip() if rest.startswith("\n") else rest)
        elif self._required or self._state in (self._close, self._nothing):
            pass
        elif self._state in (self._object, self._marked) or rest.strip(" \n\t\r;,") or not self.calls:
            say(events, self._lead + rest)
        return joined(events)

    def _start(self, _: list[Event]) -> bool:
        begun = self._pending.lstrip()
        if not begun or (self._mark.startswith(begun) and begun != self._mark):
            return False
        self._state = self._object if begun[0] == "{" else self._text
        return True

    def _text(self, events: list[Event]) -> bool:
        at = self._pending.find(self._mark)
        if at >= 0:
            text = self._pending[:at].rstrip()
            self._lead = self._pending[len(text) : at] + self._mark
            say(events, text)
            self._pending = self._pending[at + len(self._mark) :]
            self._state = self._marked
            return True
        ready = self._pending[: len(self._pending) - overlap(self._pending, self._mark)].rstrip()
        self._pending = self._pending[len(ready) :]
        say(events, ready)
        return False

    def _marked(self, events: list[Event]) -> bool:
        begun = self._pending.lstrip()
        if not begun:
            return False
        if begun[0] in "[{":
            if begun[0] == "[":
                self._lead += self._pending[: len(self._pending) - len(begun) + 1]
                self._pending = begun[1:]
            self._state = self._object
            return True
        named = _NAMED.match(self._pending)
        if named:
            self._begin(events, named[1])
            self._pending = self._pending[named.end() :]
            self._named = True
            self._state = self._argument
            return True
        return self._no_call(events) if _NAME_OVER.match(self._pending) else False

    def _object(self, events: list[Event]) -> bool:
        body = self._pending.lstrip()
        if not body:
            return False
        if body[0] != "{":
            return self._no_call(events)
        head = _HEAD.match(body)
        if head and head.end() < len(body):
            name = to_name(head[1])
            if name is None:
                return self._no_call(events)
            self._begin(events, name)
            self._pending = body[head.end() :]
            self._named = False
            self._state = self._argument
            return True
        key = _FIRST_KEY.match(body)
        if key and key[1] not in _KEYS:
            return self._no_call(events)
        end = ArgumentsEnd(self._mark)
        size = end.take(body)
        if not end.over:
            return False
        # The members may be in another order, or there are no arguments.
        call = to_call(body[:size])
        if call is None:
            return self._no_call(events)
        self._begin(events, call[0])
        self._argue(events, call[1])
        self._pending = body[size:]
        return self._complete()

    def _argument(self, events: list[Event]) -> bool:
        taken = self._arguments.take(self._pending)
        self._argue(events, self._pending[:taken])
        self._pending = self._pending[taken:]
        if not self._arguments.over:
            return False
        if self._named:
            return self._complete()
        self._state = self._close
        return True

    def _close(self, _: list[Event]) -> bool:
        """Reads up to the end of the object around the arguments."""
        at = self._pending.find("}")
        self._pending = self._pending[at + 1 :] if at >= 0 else ""
        return self._complete() if at >= 0 else False

    def _between(self, _: list[Event]) -> bool:
        rest = self._pending.lstrip(" \n\t\r;,")
        if not rest:
            return False
        if rest[0] == "{":
            self._pending = rest
            self._state = self._object
        else:
            self._pending = self._pending.lstrip().removeprefix("]")
            self._state = self._text
        return True

    def _nothing(self, _: list[Event]) -> bool:
        self._pending = ""
        return False

    def _complete(self) -> bool:
        self.complete += 1
        self._state = self._nothing if self._single else self._text if self._named else self._between
        return True

    def _no_call(self, events: list[Event]) -> bool:
        say(events, self._lead)
        self._lead = ""
        self._state = self._text
        # The first character begins no mark, so this text is not scanned again.
        return True

    def _begin(self, events: list[Event], name: str) -> None:
        events.append({"type": "tool-call", "call": self.calls, "id": self._to_id(), "name": name})
        self.calls += 1
        self._lead = ""
        self._arguments = ArgumentsEnd(self._mark)

    def _argue(self, events: list[Event], text: str) -> None:
        if text:
            events.append({"type": "tool-call-delta", "call": self.calls - 1, "arguments": text})
