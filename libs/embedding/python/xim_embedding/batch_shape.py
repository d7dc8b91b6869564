"""The few shapes that batches have.

OpenVINO prepares its kernels anew for every shape `[rows, tokens]` it has not seen, which takes as long as computing
tens of texts. So a batch is padded up to one of few shapes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]

# Matrix units take rows in blocks; from here on a whole block costs no more than the part that is needed.
_BLOCK_ROWS = 16
_WORTH_A_BLOCK = 13
# Fewer lengths for the short texts, where a token more costs next to nothing.
_TOKEN_STEP = 8


def to_batch(sequences: Sequence[Sequence[int]], most: int, padding: int = 0) -> tuple[Int64s, Int64s]:
    """Token ids and attention mask `[rows, tokens]` of sequences of at most `most` tokens, padded to few shapes."""
    shape = padded_rows(len(sequences)), padded_tokens(max(map(len, sequences)), most)
    ids, mask = np.full(shape, padding, np.int64), np.zeros(shape, np.int64)
    # A row that is only there for the shape attends to one token: a mean or a softmax over none is no number.
    mask[len(sequences) :, 0] = 1
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return ids, mask


def padded_rows(rows: int) -> int:
    """`rows` up to 12, then the next multiple of 16."""
    return rows if rows < _WORTH_A_BLOCK else _up(rows, _BLOCK_ROWS)


def padded_tokens(tokens: int, most: int) -> int:
    """`tokens` or a little more: multiples of 8, from 128 of 16 and so on; never above `most`."""
    return min(most, _up(tokens, max(_TOKEN_STEP, _power_below(tokens) // 8)))


def _power_below(number: int) -> int:
    return 1 << (number.bit_length() - 1)


def _up(number: int, step: int) -> int:
    return -(-number // step) * step
