from typing import Any

import pytest
from xim_generation.sample.params import RequestParams, SamplingParams, to_params, to_sampling
from xim_worker import InvalidInput

VOCABULARY = 50


def params(**request: Any) -> RequestParams:
    asked: Any = {"prompt": {"text": "a"}, **request}
    return to_params(asked, VOCABULARY)


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        ({}, {}),
        ({"topK": 0}, {"top_k": None}),
        ({"temperature": 0.5, "topP": 0.9, "topK": 7}, {"temperature": 0.5, "top_p": 0.9, "top_k": 7}),
        ({"presencePenalty": -2, "frequencyPenalty": 2}, {"presence_penalty": -2, "frequency_penalty": 2}),
        ({"minP": 0.1, "repetitionPenalty": 1.3}, {"min_p": 0.1, "repetition_penalty": 1.3}),
        ({"logitBias": {"3": -100, "49": 5}}, {"bias": {3: -100, 49: 5}}),
        ({"temperature": None, "topK": None, "logitBias": None}, {}),
    ],
)
def test_fields_become_parameters(sampling: dict[str, Any], expected: dict[str, Any]) -> None:
    assert to_sampling({"seed": 1, **sampling}, VOCABULARY) == SamplingParams(seed=1, **expected)


@pytest.mark.parametrize("sampling", [{"temperature": 0}, {"topP": 0}, {"topK": 1}])
def test_a_distribution_of_one_token_is_greedy(sampling: dict[str, Any]) -> None:
    assert to_sampling(sampling, VOCABULARY).greedy
    assert not to_sampling({}, VOCABULARY).greedy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", "hot"),
        ("temperature", True),
        ("topP", 1.1),
        ("topP", -1),
        ("minP", 2),
        ("topK", -1),
        ("topK", 1.5),
        ("presencePenalty", 2.1),
        ("frequencyPenalty", -2.1),
        ("repetitionPenalty", 0),
        ("seed", -1),
        ("seed", 2**63),
        ("seed", 1.0),
        ("logitBias", {"50": 1}),
        ("logitBias", {"x": 1}),
        ("logitBias", {"-1": 1}),
        ("logitBias", {"1": 101}),
        ("logitBias", {"1": "much"}),
    ],
)
def test_a_field_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=name) as refusal:
        to_sampling({name: value}, VOCABULARY)
    assert refusal.value.param == f"sampling.{name}"


def test_a_seed_is_kept_and_an_absent_one_is_drawn() -> None:
    assert to_sampling({"seed": 2**63 - 1}, VOCABULARY).seed == 2**63 - 1
    assert to_sampling({"seed": 0}, VOCABULARY).seed == 0
    assert len({to_sampling({}, VOCABULARY).seed for _ in range(20)}) > 1


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", True])
def test_counts_are_whole_numbers_from_1(value: Any) -> None:
    for name in ("choices", "maxTokens"):
        with pytest.raises(InvalidInput, match=name):
            params(**{name: value})


def test_absent_fields() -> None:
    absent = params()
    assert (absent.choices, absent.max_tokens, absent.stops, absent.logprobs) == (1, None, [], None)


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"echo": True, "prompt": {"messages": []}}, "echo"),
        ({"logprobs": -1}, "logprobs"),
        ({"logprobs": 0.5}, "logprobs"),
        ({"logprobs": 10**6}, "logprobs"),
        ({"stop": ["a", ""]}, "stop"),
    ],
)
def test_a_wrong_request_names_its_field(request_: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        params(**request_)
    assert (refusal.value.param, refusal.value.code) == (param, "XIM_INVALID_INPUT")
