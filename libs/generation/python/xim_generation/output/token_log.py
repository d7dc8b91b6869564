"""The probabilities of a choice's tokens, kept until a delta counts the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from xim_worker import TokenLogprob
from xim_worker.tasks import TokenChance

from .event import Event

# JSON has no infinity.
_LEAST = -9999.0


class TokenScore(NamedTuple):
    """A token, the natural logarithm of its probability, and the most probable alternatives, best first."""

    token: int
    logprob: float
    top: Sequence[tuple[int, float]] = ()


class TokenLog:
    """Tokens without a text have no entry. `raw`: the bytes of each token of the vocabulary."""

    def __init__(self, raw: Sequence[bytes]) -> None:
        self._raw = raw
        self._tokens: list[tuple[bytes, TokenScore]] = []

    def add(self, piece: bytes, score: TokenScore) -> None:
        """`piece`: what the token adds to the text."""
        if piece:
            self._tokens.append((piece, score))

    def cut(self, size: int) -> None:
        """Removes the tokens that lie completely in the last `size` bytes of the text."""
        del self._tokens[self._before(size) :]

    def drop(self) -> None:
        self._tokens.clear()

    def take(self, held: int) -> list[TokenLogprob]:
        """The entries of the tokens since the last call, except tokens in the last `held` bytes of the text."""
        end = self._before(held)
        entries = [to_entry(piece, score, self._raw) for piece, score in self._tokens[:end]]
        del self._tokens[:end]
        return entries

    def _before(self, size: int) -> int:
        """Number of tokens that begin before the last `size` bytes."""
        end = len(self._tokens)
        while end and len(self._tokens[end - 1][0]) <= size:
            end -= 1
            size -= len(self._tokens[end][0])
        return end


def to_entry(piece: bytes, score: TokenScore, raw: Sequence[bytes]) -> TokenLogprob:
    top = [_to_chance(token, raw[token], logprob) for token, logprob in score.top]
    return {**_to_chance(score.token, piece, score.logprob), "top": top}


def to_echo(
    choice: int, text: str, tokens: Sequence[int], scores: Sequence[TokenScore] | None, raw: Sequence[bytes]
) -> Event:
    """The prompt's own text. `scores`: one per token except the first, which has no probability."""
    event: Event = {"type": "text-delta", "choice": choice, "text": text, "tokens": 0}
    if scores is not None:
        first = {**_to_chance(tokens[0], raw[tokens[0]], 0.0), "logprob": None, "top": []}
        event["logprobs"] = [first, *(to_entry(raw[score.token], score, raw) for score in scores)]
    return event


def _to_chance(token: int, piece: bytes, logprob: float) -> TokenChance:
    text = piece.decode("utf-8", "replace")
    return {"id": token, "token": text, "bytes": list(piece), "logprob": min(0.0, max(_LEAST, logprob))}
