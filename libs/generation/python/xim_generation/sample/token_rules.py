"""Tokens that a request forbids: all except the allowed ones, the last tokens of banned texts, early ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .params import RequestParams

if TYPE_CHECKING:
    from ..chat.tokenizer import Tokenizer

Row = npt.NDArray[np.float32]


class TokenRules:
    """`banned`: sequences of tokens that must not be completed. `ends` are forbidden before `min_tokens` tokens."""

    def __init__(
        self,
        vocabulary: int,
        *,
        allowed: Iterable[int] | None = None,
        banned: Iterable[Sequence[int]] = (),
        ends: Iterable[int] = (),
        min_tokens: int = 0,
    ) -> None:
        self._forbidden: npt.NDArray[np.bool_] | None = None
        if allowed is not None:
            self._forbidden = np.ones(vocabulary, np.bool_)
            self._forbidden[list(allowed)] = False
        self._banned = [list(tokens) for tokens in banned]
        self._ends = sorted(ends)
        self._min_tokens = min_tokens

    def withheld(self, generated: int) -> list[int]:
        """The ends that are still forbidden after `generated` tokens."""
        return self._ends if generated < self._min_tokens else []

    def apply(self, row: Row, tokens: Sequence[int], generated: int) -> None:
        """Forbids tokens in `row` [vocabulary] by a logit of -inf. The last `generated` of `tokens` are the output."""
        if self._forbidden is not None:
            row[self._forbidden] = -np.inf
        row[self.withheld(generated)] = -np.inf
        for banned in self._banned:
            before = len(banned) - 1
            if before <= generated and list(tokens[len(tokens) - before :]) == banned[:-1]:
                row[banned[-1]] = -np.inf


def to_token_rules(params: RequestParams, tokenizer: Tokenizer, vocabulary: int) -> TokenRules | None:
    """None if every token is allowed. A banned text is tokenised as at the beginning of a word and as inside a word."""
    if params.allowed is None and not params.banned_texts and not params.min_tokens:
        return None
    forms = {
        tuple(tokenizer.encode(form, special=False))
        for text in params.banned_texts
        for form in (text.lstrip(), f" {text.lstrip()}")
    }
    return TokenRules(
        vocabulary,
        allowed=params.allowed,
        banned=[form for form in forms if form],
        ends=tokenizer.ends | params.stop_tokens,
        min_tokens=params.min_tokens,
    )
