"""Pads the texts of a batch to one length.

OpenVINO prepares its kernels for every new shape `[rows, tokens]`, which takes as long as computing tens of texts. So
its batches are padded to few shapes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]

# Matrix units compute blocks of rows. From `_WORTH_A_BLOCK` rows on, a full block takes no longer than the rows alone.
_BLOCK_ROWS = 16
_WORTH_A_BLOCK = 13
# Short texts are padded to multiples of 8 tokens: there the extra tokens take almost no time.
_TOKEN_STEP = 8


def to_batch(
    sequences: Sequence[Sequence[int]], most: int, padding: int = 0, *, few_shapes: bool
) -> tuple[Int64s, Int64s]:
    """Pads sequences of at most `most` tokens. Returns ids and attention mask `[rows, tokens]`."""
    shape = len(sequences), max(map(len, sequences))
    if few_shapes:
        shape = padded_rows(shape[0]), padded_tokens(shape[1], most)
    ids, mask = np.full(shape, padding, np.int64), np.zeros(shape, np.int64)
    # Each padding row attends to one token: a mean or a softmax over no tokens is NaN.
    mask[len(sequences) :, 0] = 1
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return ids, mask


def padded_rows(rows: int) -> int:
    """The padded number of rows: `rows` up to 12, from 13 on the next multiple of 16."""
    return rows if rows < _WORTH_A_BLOCK else _up(rows, _BLOCK_ROWS)


def padded_tokens(tokens: int, most: int) -> int:
    """The padded number of tokens: a multiple of 8, from 128 tokens on of 16 and so on; never above `most`."""
    return min(most, _up(tokens, max(_TOKEN_STEP, _power_below(tokens) // 8)))


def _power_below(number: int) -> int:
    return 1 << (number.bit_length() - 1)


def _up(number: int, step: int) -> int:
    return -(-number // step) * step
