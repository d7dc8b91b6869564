"""Pools the hidden states of a text's tokens to one vector; names and formulas are those of Sentence Transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .encoder import Floats, Int64s

Pool = Callable[[Floats, Int64s], Floats]
"""Maps `hidden` `[rows, tokens, elements]` and `mask` `[rows, tokens]` to `[rows, elements]`."""


def mean(hidden: Floats, mask: Int64s) -> Floats:
    """The mean over the tokens whose mask is 1."""
    weights = mask.astype(np.float32)
    pooled: Floats = _weighted_sum(hidden, weights) / weights.sum(1, keepdims=True)
    return pooled


def mean_sqrt_len_tokens(hidden: Floats, mask: Int64s) -> Floats:
    """The sum over the tokens, divided by the square root of their number."""
    weights = mask.astype(np.float32)
    pooled: Floats = _weighted_sum(hidden, weights) / np.sqrt(weights.sum(1, keepdims=True))
    return pooled


def weightedmean(hidden: Floats, mask: Int64s) -> Floats:
    """The mean over the tokens; the n-th token has weight n (SGPT, Muennighoff 2022)."""
    weights = mask.astype(np.float32) * np.arange(1, mask.shape[1] + 1, dtype=np.float32)
    pooled: Floats = _weighted_sum(hidden, weights) / weights.sum(1, keepdims=True)
    return pooled


def max_tokens(hidden: Floats, mask: Int64s) -> Floats:
    """The maximum of each element over the tokens."""
    # The loop works row by row: a masked copy of all hidden states would double the memory of the largest array.
    greatest: Floats = np.stack([row[: int(length)].max(0) for row, length in zip(hidden, mask.sum(1), strict=True)])
    return greatest


def cls(hidden: Floats, mask: Int64s) -> Floats:
    """The hidden state of the first token; these models are trained to represent the text there."""
    first: Floats = hidden[:, 0, :].copy()
    return first


def lasttoken(hidden: Floats, mask: Int64s) -> Floats:
    """The hidden state of the last token; in a decoder this token attends to all others."""
    last: Floats = hidden[np.arange(len(hidden)), mask.sum(1) - 1]
    return last


def none(hidden: Floats, mask: Int64s) -> Floats:
    """Returns `hidden` `[rows, elements]` of a model that pools by itself."""
    vectors: Floats = hidden.copy()
    return vectors


POOLINGS: dict[str, Pool] = {
    "mean": mean,
    "cls": cls,
    "lasttoken": lasttoken,
    "max": max_tokens,
    "mean_sqrt_len_tokens": mean_sqrt_len_tokens,
    "weightedmean": weightedmean,
    "none": none,
}


def concatenated(names: Sequence[str]) -> Pool:
    """One pooling, or several poolings with their vectors concatenated in the order of `names`."""
    pools = [POOLINGS[name] for name in names]
    if len(pools) == 1:
        return pools[0]
    return lambda hidden, mask: np.concatenate([pool(hidden, mask) for pool in pools], axis=1)


def to_unit(vectors: Floats) -> Floats:
    """Scales each row to length 1 (L2); a row of zeros stays unchanged."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


def _weighted_sum(hidden: Floats, weights: Floats) -> Floats:
    # [rows, 1, tokens] @ [rows, tokens, elements]: one pass, without a copy of the hidden states.
    total: Floats = np.matmul(weights[:, None, :], hidden)[:, 0, :]
    return total
