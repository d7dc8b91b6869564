"""Natural logarithms of probabilities, from a row of logits."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..output.token_log import TokenScore

Row = npt.NDArray[np.float32]

# Candidates for the alternatives are tokens within this distance of the best token: a few of many thousand.
_NEAR = 8.0


def log_sum_exp(row: Row, scratch: Row) -> float:
    """ln of the sum of exp over `row` [vocabulary]; `scratch` has its shape and is overwritten."""
    best = row.max()
    np.subtract(row, best, out=scratch)
    np.exp(scratch, out=scratch)
    return float(best) + math.log(float(scratch.sum()))


def to_score(row: Row, normaliser: float, token: int, alternatives: int) -> TokenScore:
    """The log probability of `token` and the `alternatives` most probable tokens; `normaliser`: log_sum_exp(row)."""
    best = best_tokens(row, alternatives).tolist() if alternatives else []
    top = [(other, float(row[other]) - normaliser) for other in best]
    return TokenScore(token, float(row[token]) - normaliser, top)


def best_tokens(row: Row, count: int) -> npt.NDArray[np.int64]:
    """The `count` tokens with the greatest logits, best first; tokens with equal logits in the order of their
    numbers.
    """
    count = min(count, row.size)
    best = float(row.max())
    found = np.flatnonzero(row >= best - _NEAR)
    if found.size < count:
        found = np.arange(row.size)
    values = row[found]
    if found.size > 2 * count:
        # All tokens that equal the last value of the partition stay, so the partition's order does not decide among
        # them.
        least = np.partition(values, values.size - count)[values.size - count]
        found = found[values >= least]
        values = row[found]
    ordered: npt.NDArray[np.int64] = found[np.argsort(-values, kind="stable")[:count]]
    return ordered
