"""Computations over the rows of a whole batch that are faster together than row by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..runner import Floats, LogSumExp

_MANY = 4
"""Rows from which on one computation for all of them is faster than one for each."""


def best_of_rows(logits: Floats, rows: list[int]) -> list[int]:
    """The most probable token of each of `rows`; `logits` [R, vocabulary]."""
    wanted = logits if len(rows) == len(logits) else logits[rows]
    best: list[int] = np.argmax(wanted, axis=-1).tolist()
    return best


def log_sums(
    compute: LogSumExp | None, logits: Floats, rows: Sequence[int], scales: Sequence[float | None]
) -> dict[int, float]:
    """Row → ln of the sum of exp(scale * logit), for rows with a scale; empty where each row alone is as fast."""
    wanted = {row: scale for row, scale in zip(rows, scales, strict=True) if scale is not None}
    # The other rows of the batch are computed too, in vain.
    if compute is None or len(wanted) < max(_MANY, len(logits) // 2):
        return {}
    of_rows = np.ones(len(logits), np.float32)
    of_rows[list(wanted)] = list(wanted.values())
    sums = compute(logits, of_rows)
    return {row: float(sums[row]) for row in wanted}
