"""One choice on its way out: a token per step, held back to whole characters and clear of stop texts."""

from __future__ import annotations

import codecs
import itertools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xim_generation.output.stop_text import first_stop, overlap
from xim_worker import Event

from .tokens import to_id


@dataclass(frozen=True)
class Part:
    """Tokens that come out as the same kind of event: `delta` is that event without its text, `opening` comes first."""

    delta: Event
    pieces: list[bytes]
    opening: Event | None = None


class Held:
    """Bytes in, text out: what may still become a character or a stop text waits here."""

    def __init__(self, stops: Sequence[str], include_stop: bool) -> None:
        self._stops = stops
        self._include_stop = include_stop
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._text = ""

    def push(self, piece: bytes) -> tuple[str, str | None]:
        """The text let go, and the stop text that was reached."""
        if not self._stops:
            return self._decode(piece), None
        text = self._text + self._decode(piece)
        found = first_stop(text, self._stops)
        if found:
            self._text = ""
            at, stop = found
            return text[: at + len(stop) if self._include_stop else at], stop
        keep = max(overlap(text, stop) for stop in self._stops)
        self._text = text[len(text) - keep :]
        return text[: len(text) - keep], None

    def flush(self) -> str:
        text, self._text = self._text + self._decode(b"", True), ""
        return text


class EchoSequence:
    """`step` gives the events of one token; `over` is True after the step that ended the choice."""

    def __init__(
        self,
        call: int,
        choice: int,
        parts: list[Part],
        *,
        max_tokens: int,
        stops: Sequence[str] = (),
        include_stop: bool = False,
        logprobs: int | None = None,
        endless: bool = False,
    ) -> None:
        self.call = call
        self.over = False
        self.tokens = 0
        self.reasoning_tokens = 0
        self._choice = choice
        self._max_tokens = max_tokens
        self._stops = stops
        self._logprobs = logprobs
        self._reason = "tool-calls" if parts and parts[-1].opening else "stop"
        self._tokens: Iterator[tuple[Part, bytes]] = (
            (part, piece) for part in (itertools.cycle(parts) if endless else parts) for piece in part.pieces
        )
        self._next = next(self._tokens, None)
        self._part: Part | None = None
        self._held = Held(stops, include_stop)
        # Tokens (and their probabilities) that wait for the next delta.
        self._waiting = 0
        self._waiting_logprobs: list[dict[str, Any]] = []

    def step(self) -> list[Event]:
        if self._next is None:
            return self._end([], "stop")
        part, piece = self._next
        events: list[Event] = []
        if part is not self._part:
            self._let_go(events, self._held.flush())
            self._part = part
            if part.opening is not None:
                events.append(part.opening)
        self.tokens += 1
        self._waiting += 1
        if part.delta["type"] == "reasoning-delta":
            self.reasoning_tokens += 1
        if self._logprobs is not None:
            self._waiting_logprobs.append(to_logprob(piece, self._logprobs))
        text, stopped = self._held.push(piece)
        self._let_go(events, text)
        if stopped is not None:
            return self._end(events, "stop", stop=stopped)
        self._next = next(self._tokens, None)
        if self._next is None or self.tokens == self._max_tokens:
            self._let_go(events, self._held.flush())
            return self._end(events, self._reason if self._next is None else "length")
        return events

    def _let_go(self, events: list[Event], text: str) -> None:
        part = self._part
        if not text or part is None:
            return
        if part.opening is not None:
            events.append({**part.delta, "arguments": text})
            return
        event = {**part.delta, "text": text, "tokens": self._waiting}
        self._waiting = 0
        if self._logprobs is not None:
            event["logprobs"] = self._waiting_logprobs
            self._waiting_logprobs = []
        events.append(event)

    def _end(self, events: list[Event], reason: str, **more: str) -> list[Event]:
        self.over = True
        events.append({"type": "choice-end", "choice": self._choice, "reason": reason, **more})
        return events


def to_logprob(piece: bytes, alternatives: int) -> dict[str, Any]:
    """Invented, but the same for the same token: the chosen token first, the others each 1 below the one before."""
    best = -(zlib.crc32(piece) % 1000) / 1000
    tokens = [piece, *(b"%d" % number for number in range(1, alternatives))]
    entries = [_entry(token, best - number) for number, token in enumerate(tokens)]
    return {**entries[0], "top": entries[:alternatives]}


def _entry(token: bytes, logprob: float) -> dict[str, Any]:
    text = token.decode("utf-8", "replace")
    return {"id": to_id(token), "token": text, "bytes": list(token), "logprob": logprob}
