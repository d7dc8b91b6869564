from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from xim_generation.sample.logprobs import best_tokens, log_sum_exp, to_score
from xim_generation.sample.params import SamplingParams
from xim_generation.sample.sampler import SequenceSampler, apply_mask, is_allowed

Row = npt.NDArray[np.float32]
VOCABULARY = 1000


@pytest.fixture
def row() -> Row:
    return (np.random.default_rng(5).standard_normal(VOCABULARY) * 3).astype(np.float32)


def draw(row: Row, sampler: SequenceSampler) -> int:
    adjusted = row.copy()
    sampler.adjust(adjusted)
    token = sampler.draw(adjusted, np.empty_like(adjusted))
    sampler.take(token)
    return token


def exact(row: Row, params: SamplingParams) -> npt.NDArray[np.float64]:
    """The distribution [vocabulary] by a full sort in float64."""
    chances = np.exp((row.astype(np.float64) - row.max()) / params.temperature)
    order = np.argsort(-chances, kind="stable")
    kept = order[chances[order] >= params.min_p]
    kept = kept[: params.top_k]
    if params.top_p < 1:
        total = np.cumsum(chances[kept]) / chances[kept].sum()
        kept = kept[: int((total < params.top_p).sum()) + 1]
    result = np.zeros(len(row))
    result[kept] = chances[kept] / chances[kept].sum()
    return result


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"temperature": 0.3},
        {"temperature": 3.0},
        {"top_p": 0.5},
        {"top_p": 0.95, "temperature": 0.8},
        {"top_p": 0.9999},
        {"top_p": 0.3},
        {"top_p": 0.55, "temperature": 2.0},
        {"top_k": 2},
        {"top_k": 40, "top_p": 0.6},
        {"top_k": 5000},
        {"min_p": 0.05},
        {"min_p": 0.05, "top_p": 0.7, "temperature": 2.0},
        {"min_p": 0.3, "top_k": 30},
    ],
)
def test_tokens_are_drawn_from_the_exact_distribution(row: Row, fields: dict[str, Any]) -> None:
    params = SamplingParams(seed=7, **fields)
    expected = exact(row, params)
    sampler = SequenceSampler(params, [])
    draws = 4000
    counts = Counter(draw(row, sampler) for _ in range(draws))
    assert all(expected[token] > 0 for token in counts)
    # Five standard deviations of a binomial: the seed is fixed, so the outcome is too.
    for token in np.flatnonzero(expected > 0.005):
        chance = expected[token]
        assert abs(counts[int(token)] - draws * chance) < 5 * np.sqrt(draws * chance * (1 - chance)), token


@pytest.mark.parametrize("fields", [{}, {"temperature": 3.0}, {"top_p": 0.9}, {"top_p": 0.9999, "temperature": 0.4}])
def test_a_known_sum_of_the_row_gives_the_same_tokens(row: Row, fields: dict[str, Any]) -> None:
    alone, helped = (SequenceSampler(SamplingParams(seed=11, **fields), []) for _ in range(2))
    assert helped.sum_scale is not None
    log_sum = log_sum_exp(row * np.float32(helped.sum_scale), np.empty_like(row))
    scratch = np.empty_like(row)
    expected = [alone.draw(row, scratch) for _ in range(300)]
    assert [helped.draw(row, scratch, log_sum) for _ in range(300)] == expected
    assert len(set(expected)) > 3


@pytest.mark.parametrize("fields", [{"temperature": 0}, {"top_k": 5}, {"min_p": 0.1}, {"bias": {1: 1.0}}])
def test_the_sum_of_a_row_is_not_asked_for_where_it_has_no_use(fields: dict[str, Any]) -> None:
    assert SequenceSampler(SamplingParams(**fields), []).sum_scale is None


def test_a_sequence_depends_on_its_own_seed_alone(row: Row) -> None:
    alone = [draw(row, sampler) for sampler in [SequenceSampler(SamplingParams(seed=3), [])] for _ in range(20)]
    first, second = SequenceSampler(SamplingParams(seed=3), []), SequenceSampler(SamplingParams(seed=9), [])
    together = []
    for _ in range(20):
        together.append(draw(row, first))
        draw(row, second)
    assert together == alone
    assert [draw(row, second) for _ in range(20)] != alone


def test_a_choice_has_the_seed_after_the_one_before(row: Row) -> None:
    second = SequenceSampler(SamplingParams(seed=3), [], 1)
    same = SequenceSampler(SamplingParams(seed=4), [])
    assert [draw(row, second) for _ in range(9)] == [draw(row, same) for _ in range(9)]


def test_penalties_and_bias_are_those_of_the_formulas() -> None:
    row = np.array([2.0, -1.0, 0.5, 3.0, -2.0], np.float32)
    params = SamplingParams(
        temperature=0, repetition_penalty=2.0, presence_penalty=0.5, frequency_penalty=0.25, bias={2: 10.0}
    )
    sampler = SequenceSampler(params, [0, 1])
    for token in (3, 3, 4):
        sampler.take(token)
    sampler.adjust(row)
    assert row.tolist() == [1.0, -2.0, 10.5, 3.0 / 2 - 0.5 - 0.5, -4.0 - 0.5 - 0.25]


def test_a_greedy_sequence_that_nothing_adjusts_is_plain() -> None:
    assert SequenceSampler(SamplingParams(temperature=0), [1]).plain
    assert not SequenceSampler(SamplingParams(temperature=0, bias={1: 2.0}), [1]).plain
    assert not SequenceSampler(SamplingParams(temperature=0, presence_penalty=1), [1]).plain
    assert not SequenceSampler(SamplingParams(), [1]).plain


def test_a_mask_leaves_its_tokens_alone() -> None:
    row = np.zeros(70, np.float32)
    mask = np.zeros(3, np.uint32)
    for token in (0, 31, 32, 69):
        mask[token // 32] |= np.uint32(1 << token % 32)
    assert [token for token in range(70) if is_allowed(mask, token)] == [0, 31, 32, 69]
    apply_mask(row, mask, np.empty_like(row))
    assert np.flatnonzero(np.isfinite(row)).tolist() == [0, 31, 32, 69]
    sampler = SequenceSampler(SamplingParams(seed=1), [])
    assert {sampler.draw(row, np.empty_like(row)) for _ in range(100)} == {0, 31, 32, 69}


def test_scores_are_log_probabilities_best_first(row: Row) -> None:
    normaliser = log_sum_exp(row, np.empty_like(row))
    expected = np.log(exact(row, SamplingParams()))
    score = to_score(row, normaliser, 17, 20)
    assert score.logprob == pytest.approx(expected[17], abs=1e-5)
    assert [token for token, _ in score.top] == np.argsort(-row, kind="stable")[:20].tolist()
    assert [logprob for _, logprob in score.top] == pytest.approx(np.sort(expected)[::-1][:20], abs=1e-5)
    assert to_score(row, normaliser, 17, 0).top == []


@pytest.mark.parametrize("count", [1, 5, 999, 1000, 2000])
def test_the_best_tokens_of_equal_ones_are_the_first(row: Row, count: int) -> None:
    flat = np.round(row)
    assert best_tokens(flat, count).tolist() == np.argsort(-flat, kind="stable")[:count].tolist()
