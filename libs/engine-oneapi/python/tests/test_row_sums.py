import numpy as np
import pytest
from xim_engine_oneapi.row_sums import RowSums


@pytest.mark.parametrize(("rows", "tokens"), [(1, 1003), (5, 1003), (32, 1003), (8, 151_936), (2, 2**19 + 1)])
def test_the_sums_are_those_of_the_formula(rows: int, tokens: int) -> None:
    random = np.random.default_rng(rows)
    logits = (random.standard_normal((rows, tokens)) * 20).astype(np.float32)
    scales = random.uniform(0.2, 5, rows).astype(np.float32)
    scaled = logits.astype(np.float64) * scales[:, None]
    best = scaled.max(axis=1, keepdims=True)
    expected = (np.log(np.exp(scaled - best).sum(axis=1, keepdims=True)) + best)[:, 0]
    np.testing.assert_allclose(RowSums(2)(logits, scales), expected, rtol=1e-5)
