"""The few shapes that batches have.

OpenVINO prepares its kernels anew for every shape `[rows, tokens]` it has not seen, which takes as long as computing
tens of texts. So a batch is padded up to one of few shapes, each at most an eighth larger than it need be.
"""

from __future__ import annotations

# Below it a shape is exact: padding would cost as much as it saves.
_EXACT_ROWS = 8
# Fewer lengths for the short texts, where a token more costs next to nothing.
_TOKEN_STEP = 8


def padded_rows(rows: int) -> int:
    """`rows` or a little more: 1 to 8, then in steps of an eighth of the power of two below."""
    return _up(rows, max(1, _power_below(rows) // _EXACT_ROWS))


def padded_tokens(tokens: int, most: int) -> int:
    """`tokens` or a little more: multiples of 8, from 128 of 16 and so on; never above `most`."""
    return min(most, _up(tokens, max(_TOKEN_STEP, _power_below(tokens) // 8)))


def _power_below(number: int) -> int:
    return 1 << (number.bit_length() - 1)


def _up(number: int, step: int) -> int:
    return -(-number // step) * step
