"""The probabilities of one row of logits, computed only for the tokens that matter."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Row = npt.NDArray[np.float32]
Tokens = npt.NDArray[np.int64]

_BLOCK = 256
_FLOOR = np.float32(-80)
_NOTHING = np.float32(1e-30)
"""Weights below this count as 0, relative to the greatest weight of 1: exp(`_FLOOR`), or its rounded value."""
STEPS = (1e-2, 1e-4)
"""Thresholds for the probable tokens, relative to the greatest weight of 1."""


class Weights:
    """The tokens' weights exp((logit - greatest logit) / temperature): the greatest is 1."""

    def __init__(self, row: Row, temperature: float, scratch: Row) -> None:
        """`row` [vocabulary]; `scratch` has its shape and is overwritten."""
        self._row = row
        self._scale = np.float32(1 / temperature)
        self._best = row.max()
        self._scratch = scratch

    def of(self, tokens: Tokens) -> Row:
        weights: Row = np.exp((self._row[tokens] - self._best) * self._scale)
        return weights

    def above(self, least: float) -> Tokens:
        """The tokens whose weight is at least about `least`, in the order of their numbers."""
        return np.flatnonzero(self._row >= self._floor(least))

    def _floor(self, least: float) -> np.float32:
        floor: np.float32 = self._best + np.float32(math.log(least)) / self._scale
        return floor

    def all(self) -> Row:
        """[vocabulary], in the scratch row."""
        weights = self._scratch
        np.subtract(self._row, self._best, out=weights)
        weights *= self._scale
        # For smaller numbers exp is ten times slower: its results are subnormal.
        np.maximum(weights, _FLOOR, out=weights)
        np.exp(weights, out=weights)
        return weights

    def sum(self) -> float:
        return float(self.all().sum())

    def relative(self, log_sum: float) -> float:
        """The sum of all weights, out of ln of the sum of exp(logit / temperature)."""
        return math.exp(log_sum - float(self._best) * float(self._scale))

    def around(self, share: float) -> tuple[Tokens, Row]:
        """The tokens above a threshold, of a few thresholds, that together reach `share`, so that only few tokens
        are sorted.
        """
        for least in STEPS:
            tokens = self.above(least)
            weights = self.of(tokens)
            if float(weights.sum(dtype=np.float64)) >= share:
                return tokens, weights
        tokens = np.flatnonzero(self.all() > _NOTHING)
        return tokens, self.of(tokens)

    def find(self, target: float) -> tuple[int, float]:
        """The token at which the sum of the weights exceeds `target`, and the sum of the weights of the tokens that
        are more probable than it.

        The tokens above each threshold come before the others, so that these are rarely visited; among themselves they
        are in the order of their numbers. Of equally probable tokens, the one with the smaller number counts as the
        more probable.
        """
        above, limit = 0.0, np.float32(np.inf)
        for least in STEPS:
            floor = self._floor(least)
            tokens = np.flatnonzero(self._row >= floor)
            if above:
                tokens = tokens[self._row[tokens] < limit]
            weights = self.of(tokens)
            sums = weights.cumsum(dtype=np.float64)
            found = int(sums.searchsorted(target - above, side="right"))
            if found < sums.size:
                return int(tokens[found]), above + _before(weights, found)
            above, limit = above + (float(sums[-1]) if sums.size else 0.0), floor
        return self._find_rest(target - above, above, limit)

    def _find_rest(self, target: float, above: float, limit: np.float32) -> tuple[int, float]:
        """The same among the tokens with a logit below `limit`. Sums of blocks find the block, then the token in it."""
        weights = self.all()
        weights[self._row >= limit] = 0
        starts = np.arange(0, weights.size, _BLOCK)
        sums = np.cumsum(np.add.reduceat(weights, starts), dtype=np.float64)
        block = min(int(np.searchsorted(sums, target, side="right")), sums.size - 1)
        inside = np.cumsum(weights[starts[block] : starts[block] + _BLOCK], dtype=np.float64)
        rest = target - (sums[block - 1] if block else 0.0)
        token = int(starts[block]) + min(int(np.searchsorted(inside, rest, side="right")), inside.size - 1)
        # Rounding may select a token without weight at the end of a block.
        if weights[token] <= _NOTHING:
            return int(self._row.argmax()), 0.0
        return token, above + _before(weights, token)


def _before(weights: Row, place: int) -> float:
    """The sum of the weights that come before the one at `place` if they are sorted, the greatest first."""
    weight = weights[place]
    more = float(weights[weights > weight].sum(dtype=np.float64))
    return more + float(weight) * int((weights[:place] == weight).sum())
