from typing import Any

import pytest
from xim_engine_oneapi.sampling import (
    refuse_unsupported,
    to_choices,
    to_config,
    to_max_tokens,
    to_seed,
    to_stops,
)
from xim_worker import InvalidInput

SAMPLED = {"do_sample": True, "temperature": 1.0}


@pytest.mark.parametrize(
    ("sampling", "config"),
    [
        ({}, SAMPLED),
        ({"temperature": 0.5, "topP": 0.9, "topK": 7}, {**SAMPLED, "temperature": 0.5, "top_p": 0.9, "top_k": 7}),
        ({"temperature": 0, "topP": 0.9, "topK": 7}, {"do_sample": False}),
        ({"temperature": 1, "topP": 0}, {"do_sample": False}),
        ({"presencePenalty": -2, "frequencyPenalty": 2}, {**SAMPLED, "presence_penalty": -2, "frequency_penalty": 2}),
        ({"temperature": 0, "repetitionPenalty": 1.3}, {"do_sample": False, "repetition_penalty": 1.3}),
        ({"temperature": None, "topK": None}, SAMPLED),
    ],
)
def test_config(sampling: dict[str, Any], config: dict[str, Any]) -> None:
    assert to_config({"sampling": sampling}) == config


def test_the_end_may_be_ignored() -> None:
    assert to_config({"ignoreEnd": True}) == {**SAMPLED, "ignore_eos": True}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", "hot"),
        ("temperature", True),
        ("topP", 1.1),
        ("topP", -1),
        ("topK", 0),
        ("topK", 1.5),
        ("presencePenalty", 2.1),
        ("frequencyPenalty", -2.1),
        ("repetitionPenalty", 0),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=name) as refusal:
        to_config({"sampling": {name: value}})
    assert refusal.value.param == f"sampling.{name}"


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0])
def test_a_seed_out_of_range_is_refused(seed: Any) -> None:
    with pytest.raises(InvalidInput, match="seed"):
        to_seed({"sampling": {"seed": seed}})


def test_a_seed_is_kept_and_a_missing_one_is_drawn() -> None:
    assert to_seed({"sampling": {"seed": 2**63 - 1}}) == 2**63 - 1
    assert to_seed({"sampling": {"seed": 0}}) == 0
    assert len({to_seed({}) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"logprobs": 1}, "logprobs"),
        ({"logprobs": 0, "echo": True}, "echo"),
        ({"sampling": {"logitBias": {"1": 2}}}, "sampling.logitBias"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(request_: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        refuse_unsupported({"prompt": {"text": "a"}, **request_}, prompt_logprobs=False)
    assert (refusal.value.param, refusal.value.code) == (param, "XIM_UNSUPPORTED_PARAMETER")


def test_what_asks_for_nothing_is_not_refused() -> None:
    text = {"text": "a"}
    refuse_unsupported({"prompt": text, "sampling": {"logitBias": {}}, "logprobs": None}, prompt_logprobs=False)
    refuse_unsupported({"prompt": text, "logprobs": 0}, prompt_logprobs=False)
    refuse_unsupported({"prompt": text, "echo": True}, prompt_logprobs=False)
    refuse_unsupported({"prompt": text, "logprobs": 0, "echo": True}, prompt_logprobs=True)


@pytest.mark.parametrize(
    "request_",
    [{"echo": True, "prompt": {"messages": []}}, {"logprobs": -1, "prompt": {}}, {"logprobs": 0.5, "prompt": {}}],
)
def test_what_no_engine_can_do_is_invalid(request_: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        refuse_unsupported(request_, prompt_logprobs=True)
    assert refusal.value.code == "XIM_INVALID_INPUT"


def test_logprobs_are_the_library_s_1() -> None:
    assert to_config({"logprobs": 0}) == {**SAMPLED, "logprobs": 1, "echo": False}
    assert to_config({"logprobs": 0, "echo": True})["echo"] is True
    assert to_config({"echo": True}) == SAMPLED


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", True])
def test_counts_are_whole_numbers_from_1(value: Any) -> None:
    for read, name in ((to_choices, "choices"), (to_max_tokens, "maxTokens")):
        with pytest.raises(InvalidInput, match=name):
            read({name: value})


def test_counts_that_are_absent() -> None:
    assert (to_choices({}), to_max_tokens({}), to_stops({})) == (1, None, [])


def test_an_empty_stop_text_is_refused() -> None:
    with pytest.raises(InvalidInput):
        to_stops({"stop": ["a", ""]})
