import numpy as np
import pytest
from xim_embedding.pooling import POOLINGS, concatenated, to_unit

HIDDEN = np.array([[[1, 2], [3, 4], [100, 100]], [[1, 1], [1, 1], [1, 4]]], np.float32)
MASK = np.array([[1, 1, 0], [1, 1, 1]], np.int64)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("mean", [[2, 3], [1, 2]]),
        ("cls", [[1, 2], [1, 1]]),
        ("lasttoken", [[3, 4], [1, 4]]),
        ("max", [[3, 4], [1, 4]]),
        ("mean_sqrt_len_tokens", [[4 / 2**0.5, 6 / 2**0.5], [3 / 3**0.5, 6 / 3**0.5]]),
        ("weightedmean", [[7 / 3, 10 / 3], [1, 15 / 6]]),
    ],
)
def test_padding_is_left_out(pooling: str, expected: list[list[float]]) -> None:
    hidden = HIDDEN.copy()
    pooled = POOLINGS[pooling](hidden, MASK)
    # The encoder overwrites its memory while the vectors are still in use.
    hidden[:] = 0
    np.testing.assert_allclose(pooled, expected, rtol=1e-6)


def test_the_greatest_of_negative_numbers_is_not_the_padding() -> None:
    np.testing.assert_array_equal(POOLINGS["max"](-HIDDEN, MASK), [[-1, -2], [-1, -1]])


def test_several_stand_one_after_the_other() -> None:
    np.testing.assert_allclose(concatenated(["cls", "mean"])(HIDDEN, MASK), [[1, 2, 2, 3], [1, 1, 1, 2]])


def test_vectors_get_length_1_and_zeros_stay() -> None:
    unit = to_unit(np.array([[3, 4], [0, 0], [1e-15, 0]], np.float32))
    assert np.abs(unit - np.array([[0.6, 0.8], [0, 0], [1, 0]])).max() < 1e-6
