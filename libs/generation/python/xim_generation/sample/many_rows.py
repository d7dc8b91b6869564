"""Computations over the rows of a whole batch, where one computation is faster than one per row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..runner import Floats, LogSumExp

_MANY = 4
"""Minimum number of rows for which one computation over all rows is faster than one per row."""


def best_of_rows(logits: Floats, rows: list[int]) -> list[int]:
    """The most probable token of each of `rows`; `logits` [R, vocabulary]."""
    wanted = logits if len(rows) == len(logits) else logits[rows]
    best: list[int] = np.argmax(wanted, axis=-1).tolist()
    return best


def log_sums(
    compute: LogSumExp | None, logits: Floats, rows: Sequence[int], scales: Sequence[float | None]
) -> dict[int, float]:
    """Row → ln of the sum of exp(scale * logit), for rows with a scale; empty if a computation per row is as fast."""
    wanted = {row: scale for row, scale in zip(rows, scales, strict=True) if scale is not None}
    # The computation includes the other rows of the batch, whose results are not used.
    if compute is None or len(wanted) < max(_MANY, len(logits) // 2):
        return {}
    of_rows = np.ones(len(logits), np.float32)
    of_rows[list(wanted)] = list(wanted.values())
    sums = compute(logits, of_rows)
    return {row: float(sums[row]) for row in wanted}
