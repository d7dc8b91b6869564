"""From the hidden states of a text's tokens to its vector."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.int64]


def mean(hidden: Floats, mask: Mask) -> Floats:
    """`[rows, elements]`: the mean of `hidden` `[rows, tokens, elements]` over the tokens whose mask is 1."""
    weights = mask.astype(np.float32)
    # [rows, 1, tokens] @ [rows, tokens, elements]: one pass without a copy of the hidden states.
    pooled: Floats = np.matmul(weights[:, None, :], hidden)[:, 0, :] / weights.sum(1, keepdims=True)
    return pooled


def cls(hidden: Floats, mask: Mask) -> Floats:
    """The hidden state of the first token, which such models are trained to put the text's meaning in."""
    first: Floats = hidden[:, 0, :].copy()
    return first


POOLINGS = {"mean": mean, "cls": cls}


def to_unit(vectors: Floats) -> Floats:
    """Each row scaled to length 1 (L2); a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit
