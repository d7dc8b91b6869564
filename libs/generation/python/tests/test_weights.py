import numpy as np
import numpy.typing as npt
import pytest
from xim_generation.sample.weights import STEPS, Weights


def sorted_before(weights: npt.NDArray[np.float64], token: int) -> float:
    order = (-weights).argsort(kind="stable")
    return float(weights[order[: int(np.flatnonzero(order == token)[0])]].sum())


@pytest.mark.parametrize("spread", [0.5, 3.0, 6.0])
@pytest.mark.parametrize("tokens", [7, 1003])
def test_equal_steps_of_the_target_find_each_token_as_often_as_its_weight(spread: float, tokens: int) -> None:
    # Rounded logits: many tokens are equally probable.
    row = (np.random.default_rng(3).standard_normal(tokens) * spread * 4).round().astype(np.float32) / 4
    weights = np.exp(row.astype(np.float64) - row.max())
    weighed = Weights(row, 1.0, np.empty_like(row))
    draws = 5000
    found = [weighed.find((step + 0.5) / draws * weights.sum()) for step in range(draws)]
    counts = np.bincount([token for token, _ in found], minlength=tokens)
    # Of equal steps, an interval holds as many as its length says, or one more or less.
    assert np.abs(counts - draws * weights / weights.sum()).max() <= 1.01
    for token, more in dict(found).items():
        assert more == pytest.approx(sorted_before(weights, token), rel=1e-5, abs=1e-9)


def test_every_threshold_and_the_rest_are_visited() -> None:
    row = np.log(np.array([1, 0.5, 5e-3, 2e-3, 5e-6, 1e-6])).astype(np.float32)
    row = np.concatenate([row, np.full(300, -np.inf, np.float32)])
    weighed = Weights(row, 1.0, np.empty_like(row))
    sums = np.exp(row.astype(np.float64)).cumsum()
    assert STEPS == (1e-2, 1e-4)
    assert [weighed.find(float(sums[token]) - 1e-7)[0] for token in range(6)] == [0, 1, 2, 3, 4, 5]
    # Rounding of the sum of a row may give a target beyond the last weight.
    assert weighed.find(2.0) == (0, 0.0)
