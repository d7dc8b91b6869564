"""Converts the bytes of tokens to text: whole characters only, without stop texts."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from .stop_text import first_stop, overlap


class TokenText:
    """The text of one choice. Bytes that are not UTF-8 become U+FFFD; an incomplete character at the end is left
    out.
    """

    def __init__(self, stops: Sequence[str] = (), include_stop: bool = False) -> None:
        self.stopped: str | None = None
        """The matched stop text; text after it is dropped, and without `include_stop` the stop text too. No more
        `push`.
        """
        self.dropped = 0
        """Bytes at the end of the text that are dropped with the stop text."""
        self._stops = [stop for stop in stops if stop]
        self._include_stop = include_stop
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    @property
    def held(self) -> int:
        """Held-back bytes: of an incomplete character, or of a possible beginning of a stop text."""
        return len(self._held.encode()) + len(self._decoder.getstate()[0])

    def push(self, piece: bytes, looks: bool = True) -> str:
        """The released text. `looks`: whether a stop text may already end it."""
        fresh = self._decoder.decode(piece)
        if not self._stops or not looks:
            return fresh
        text = self._held + fresh
        found = first_stop(text, self._stops)
        if found:
            at, self.stopped = found
            end = at + len(self.stopped) if self._include_stop else at
            self._held = ""
            self.dropped = len(text[end:].encode()) + len(self._decoder.getstate()[0])
            return text[:end]
        keep = max(overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def finish(self) -> str:
        """The text that was held back as a possible beginning of a stop text."""
        rest, self._held = self._held, ""
        return rest
