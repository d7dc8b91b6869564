"""How probable the tokens of a choice were, kept until a delta stands for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xim_worker import Event

# JSON knows no infinity.
_LEAST = -9999.0


class TokenLog:
    """Tokens without a text (the end token) have no entry."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._tokens: list[tuple[int, float]] = []

    def add(self, tokens: Sequence[int], logprobs: Sequence[float]) -> None:
        self._tokens += [each for each in zip(tokens, logprobs, strict=True) if self._pieces[each[0]]]

    def cut(self, text: str) -> None:
        """Forgets the last tokens that lie in `text` alone, the end of their text that is left out."""
        del self._tokens[self._before(text) :]

    def drop(self) -> None:
        self._tokens.clear()

    def take(self, held: str) -> list[dict[str, Any]]:
        """`TokenLogprob`s of all tokens since the last time but those in `held`, the end of their text."""
        end = self._before(held)
        entries = [to_entry(token, self._pieces[token], logprob) for token, logprob in self._tokens[:end]]
        del self._tokens[:end]
        return entries

    def _before(self, text: str) -> int:
        """How many tokens begin before `text`, the end of the text of all."""
        left, end = len(text.encode()), len(self._tokens)
        while end and len(self._pieces[self._tokens[end - 1][0]]) <= left:
            end -= 1
            left -= len(self._pieces[self._tokens[end][0]])
        return end


def to_entry(token: int, piece: bytes, logprob: float | None) -> dict[str, Any]:
    text = piece.decode("utf-8", "replace")
    value = None if logprob is None else min(0.0, max(_LEAST, logprob))
    return {"id": token, "token": text, "bytes": list(piece), "logprob": value, "top": []}


def to_echo(choice: int, text: str, tokens: list[int], logprobs: list[float] | None, raw: Sequence[bytes]) -> Event:
    """The prompt's own text; nothing came before its first token, so that has no probability."""
    event: Event = {"type": "text-delta", "choice": choice, "text": text, "tokens": 0}
    if logprobs is not None:
        rows = zip(tokens, [None, *logprobs[1:]], strict=True)
        event["logprobs"] = [to_entry(token, raw[token], logprob) for token, logprob in rows]
    return event
