"""Text out of tokens as they come: whole characters only, clear of stop texts, one decode per step for all streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Decode = Callable[[list[list[int]]], list[str]]
"""Many lists of tokens to their texts. An incomplete character reads as U+FFFD."""

# A stream's tokens are decoded anew in every step, so only the last of them are kept. A few stay as context when the
# window slides, since a tokenizer may treat the first token of a text in its own way (SentencePiece drops its space).
_CONTEXT = 6
_WINDOW = 24

_INCOMPLETE = "\ufffd"
# UTF-8 has at most three bytes of an unfinished character.
_MOST_INCOMPLETE = 3


class TextStream:
    """One choice on its way from tokens to text."""

    def __init__(self, stops: Sequence[str] = (), include_stop: bool = False) -> None:
        self.stopped: str | None = None
        """The stop text that was reached: nothing after it is text, nor itself without `include_stop`. Push no more."""
        self.dropped = ""
        """What came of the text with the stop text and is left out."""
        self._stops = [stop for stop in stops if stop]
        self._include_stop = include_stop
        self._window: list[int] = []
        # Characters of the window's text that were taken out of it.
        self._taken = 0
        self.held = ""
        """What may be the beginning of a stop text."""

    def _take(self, text: str) -> str:
        """What is new in the window's text and complete; an incomplete end stays back, even the last."""
        end = max(len(text.rstrip(_INCOMPLETE)), len(text) - _MOST_INCOMPLETE)
        fresh = text[self._taken : end]
        self._taken = max(self._taken, end)
        return fresh

    def _slide(self, text: str, context: str) -> None:
        """Keeps the window's last tokens, whose text alone is `context`."""
        waiting = len(text) - self._taken
        if text[self._taken :] == context[len(context) - waiting :]:
            self._window = self._window[-_CONTEXT:]
            self._taken = len(context) - waiting

    def _let_go(self, fresh: str, last: bool) -> str:
        """What can be no part of a stop text any more."""
        if not self._stops:
            return fresh
        text = self.held + fresh
        found = first_stop(text, self._stops)
        if found:
            at, self.stopped = found
            self.held = ""
            end = at + len(self.stopped) if self._include_stop else at
            self.dropped = text[end:]
            return text[:end]
        keep = 0 if last else max(overlap(text, stop) for stop in self._stops)
        self.held = text[len(text) - keep :]
        return text[: len(text) - keep]


def advance(decode: Decode, fresh: Sequence[tuple[TextStream, Sequence[int], bool]]) -> list[str]:
    """The text that each stream lets go of after `(stream, its new tokens, whether they are its last)`.

    The joined texts of a stream are `decode` of all its tokens, up to the first stop text or an incomplete character at
    the very end. `decode` is called once, with a bounded number of tokens per stream however long it is.
    """
    rows: list[list[int]] = []
    slides: list[int] = []
    for stream, tokens, _ in fresh:
        stream._window += tokens
        rows.append(stream._window)
    for number, (stream, _, last) in enumerate(fresh):
        if not last and len(stream._window) >= _WINDOW:
            slides.append(number)
            rows.append(stream._window[-_CONTEXT:])
    texts = decode(rows)
    result = []
    for (stream, _, last), text in zip(fresh, texts, strict=False):
        result.append(stream._let_go(stream._take(text), last))
    for number, context in zip(slides, texts[len(fresh) :], strict=True):
        fresh[number][0]._slide(texts[number], context)
    return result


def first_stop(text: str, stops: Sequence[str]) -> tuple[int, str] | None:
    """Where the first stop text begins, and which it is."""
    found = [(at, stop) for at, stop in ((text.find(stop), stop) for stop in stops) if at >= 0]
    return min(found, key=lambda place: place[0]) if found else None


def overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)


def to_text_tokens(tokens: Sequence[int], pieces: Sequence[bytes]) -> tuple[list[dict[str, Any]], str]:
    """`TextToken`s of the contract out of tokens and their bytes, and the whole text.

    `start` and `end` count characters (code points). A token that ends inside a character reaches to its end, and the
    next one begins at its start; alone, such a token reads as U+FFFD.
    """
    text = b"".join(pieces).decode("utf-8", "replace")
    result = []
    before = b""
    for token, piece in zip(tokens, pieces, strict=True):
        start = len(before.decode("utf-8", "ignore"))
        before += piece
        end = len(before.decode("utf-8", "replace"))
        result.append({"id": token, "text": piece.decode("utf-8", "replace"), "start": start, "end": end})
    return result, text
