"""Batches have few shapes, each only a little larger than the batch."""

import pytest
from xim_embedding.batch_shape import padded_rows, padded_tokens, to_batch


@pytest.mark.parametrize(("rows", "expected"), [(1, 1), (8, 8), (12, 12), (13, 16), (16, 16), (17, 32), (256, 256)])
def test_rows(rows: int, expected: int) -> None:
    assert padded_rows(rows) == expected


@pytest.mark.parametrize(
    ("tokens", "expected"), [(1, 8), (8, 8), (9, 16), (55, 56), (129, 144), (250, 256), (256, 256)]
)
def test_tokens(tokens: int, expected: int) -> None:
    assert padded_tokens(tokens, 256) == expected


def test_never_above_what_the_model_takes() -> None:
    assert padded_tokens(249, 250) == 250


def test_few_shapes() -> None:
    assert len({padded_rows(rows) for rows in range(1, 257)}) == 28
    assert len({padded_tokens(tokens, 512) for tokens in range(1, 513)}) == 32


def test_a_batch_is_padded() -> None:
    """13 rows become 16; each padding row attends to one token."""
    sequences = [[7, 8, 9], *[[5]] * 12]
    ids, mask = to_batch(sequences, 250, padding=1, few_shapes=True)
    assert ids.shape == mask.shape == (16, 8)
    assert ids[0].tolist() == [7, 8, 9, 1, 1, 1, 1, 1]
    assert mask.sum(axis=1).tolist() == [3, *[1] * 15]


def test_a_batch_of_any_shape_has_the_length_of_its_longest_text() -> None:
    ids, mask = to_batch([[7, 8, 9], *[[5]] * 12], 250, padding=1, few_shapes=False)
    assert ids.shape == mask.shape == (13, 3)
    assert ids[1].tolist() == [5, 1, 1]
    assert mask.sum(axis=1).tolist() == [3, *[1] * 12]
