"""Request fields that control the tokens, over a real transformer with random weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from shapes import byte_tokenizer
from small_tokenizers import byte_level, to_tokenizer
from test_handler import TOKENIZER, Service, entries, text
from test_prompt import read, reader
from xim_generation.chat.prompt import PromptReader
from xim_generation.sample.params import SamplingParams
from xim_generation.sample.sampler import SequenceSampler
from xim_generation.sample.token_rules import TokenRules
from xim_worker import InvalidInput

GREEDY = {"temperature": 0}
PLAIN: dict[str, Any] = {"prompt": {"text": "The sea"}, "maxTokens": 8, "sampling": GREEDY, "tokenIds": True}
(END,) = TOKENIZER.ends


@pytest.fixture(scope="module")
def service() -> Service:
    return Service()


def output(service: Service, **more: Any) -> list[int]:
    events = service.run(**{**PLAIN, "ignoreEnd": True, **more})
    tokens: list[int] = next(event for event in events if event["type"] == "choice-end")["tokens"]["output"]
    return tokens


def test_the_end_tells_all_tokens(service: Service) -> None:
    events = service.run(**PLAIN, ignoreEnd=True, logprobs=0)
    end = next(event for event in events if event["type"] == "choice-end")
    assert end["tokens"]["prompt"] == TOKENIZER.encode("The sea", special=True)
    assert events[0]["promptTokens"] == [end["tokens"]["prompt"]]
    assert [token for token in end["tokens"]["output"] if TOKENIZER.pieces[token]] == [e["id"] for e in entries(events)]


def test_only_allowed_tokens_come(service: Service) -> None:
    allowed = TOKENIZER.encode("abc", special=False)
    assert set(output(service, sampling={**GREEDY, "allowedTokens": allowed})) <= set(allowed)
    assert set(output(service, sampling={"seed": 1, "allowedTokens": allowed}, maxTokens=40)) == set(allowed)


def test_a_banned_text_does_not_come(service: Service) -> None:
    words = TOKENIZER.encode("ab", special=False)
    said = output(service, sampling={"seed": 3, "allowedTokens": words}, maxTokens=40)
    assert words in [said[at : at + 2] for at in range(len(said) - 1)]
    said = output(service, sampling={"seed": 3, "allowedTokens": words, "bannedTexts": ["ab"]}, maxTokens=40)
    assert len(said) == 40
    assert words not in [said[at : at + 2] for at in range(len(said) - 1)]


def test_a_stop_token_ends_a_choice(service: Service) -> None:
    letters = {"seed": 5, "allowedTokens": TOKENIZER.encode("abcdefgh", special=False)}
    said = output(service, sampling=letters)
    stop = said[-1]
    at = said.index(stop)
    for include, more in ((False, {}), (True, {"includeStop": True})):
        events = service.run(**{**PLAIN, "sampling": letters}, stopTokens=[stop], logprobs=0, **more)
        end = next(event for event in events if event["type"] == "choice-end")
        assert (end["reason"], end["tokens"]["output"]) == ("stop", said[: at + 1])
        shown = [entry["id"] for entry in entries(events)]
        assert shown == said[: at + include]


def test_no_end_comes_before_enough_tokens(service: Service) -> None:
    sampling = {**GREEDY, "logitBias": {str(END): 100}}
    assert output(service, sampling=sampling, ignoreEnd=False) == [END]
    said = output(service, sampling=sampling, ignoreEnd=False, minTokens=4)
    assert (len(said), said.index(END)) == (5, 4)
    stop = output(service)[1]
    assert len(output(service, stopTokens=[stop], minTokens=5)) > 5
    letter = TOKENIZER.encode("a", special=False)
    only = {**GREEDY, "allowedTokens": letter}
    assert len(output(service, sampling=only, stop=["aa"])) == 2
    assert len(output(service, sampling=only, stop=["aa"], minTokens=5)) == 6


def test_a_complete_format_ends_before_enough_tokens(service: Service) -> None:
    said = output(service, format={"type": "regex", "pattern": "ab"}, ignoreEnd=False, minTokens=6)
    assert [token for token in said if token != END] == TOKENIZER.encode("ab", special=False)


def test_rules_that_leave_no_token_end_the_call_alone(service: Service) -> None:
    sampling = {**GREEDY, "allowedTokens": TOKENIZER.encode("x", special=False)}
    events = service.run(**{**PLAIN, "sampling": sampling}, format={"type": "regex", "pattern": "ab"})
    assert events[-1]["type"] == "error"
    assert "sampling.allowedTokens" in str(events[-1])
    assert output(service)


def test_the_probabilities_of_a_prompt_are_those_of_its_echo(service: Service) -> None:
    echoed = entries(service.run(**PLAIN, echo=True, logprobs=2))
    events = service.run(**PLAIN, promptLogprobs=2, choices=2)
    scored = [event for event in events if event["type"] == "prompt-logprobs"]
    assert [event["choice"] for event in scored] == [0]
    assert scored[0]["logprobs"] == echoed[: len(scored[0]["logprobs"])]
    assert len(scored[0]["logprobs"]) == len("The sea")
    assert events.index(scored[0]) < next(at for at, event in enumerate(events) if event["type"] == "text-delta")
    both = service.run(**PLAIN, promptLogprobs=1, echo=True, logprobs=3)
    first, echo = both[1], both[2]
    assert (first["type"], len(first["logprobs"][1]["top"]), len(echo["logprobs"][1]["top"])) == (
        "prompt-logprobs",
        1,
        3,
    )


def test_a_prompt_is_cut_to_its_last_tokens(service: Service) -> None:
    events = service.run(**{**PLAIN, "prompt": {"text": "By the The sea"}}, truncate=7, echo=True)
    assert events[0]["inputTokens"] == 7
    assert text(events) == text(service.run(**PLAIN, echo=True))
    long = service.run(**{**PLAIN, "prompt": {"text": "a" * 100_000}}, truncate=7)
    assert long[0]["inputTokens"] == 7


@pytest.mark.parametrize(
    ("param", "fields"),
    [
        ("stopTokens", {"stopTokens": [5000]}),
        ("minTokens", {"minTokens": 9}),
        ("minTokens", {"minTokens": -1}),
        ("truncate", {"truncate": 0}),
        ("promptLogprobs", {"promptLogprobs": -1}),
        ("sampling.allowedTokens", {"sampling": {"allowedTokens": []}}),
        ("sampling.allowedTokens", {"sampling": {"allowedTokens": [-1]}}),
        ("sampling.bannedTexts", {"sampling": {"bannedTexts": [" "]}}),
        ("sampling.typicalP", {"sampling": {"typicalP": 0}}),
    ],
)
def test_a_wrong_field_is_refused(service: Service, param: str, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        service.add(**{**PLAIN, **fields})
    assert refused.value.param == param


def test_typical_sampling_leaves_out_the_most_and_the_least_surprising() -> None:
    chances = np.array([0.5, 0.2, 0.15, 0.1, 0.05])
    row = np.log(chances).astype(np.float32)
    entropy = float(-(chances * np.log(chances)).sum())
    order = np.argsort(np.abs(-np.log(chances) - entropy))
    assert order.tolist() == [1, 2, 0, 3, 4]
    for mass, left in ((0.1, {1}), (0.3, {1, 2}), (0.8, {0, 1, 2}), (0.9, {0, 1, 2, 3})):
        sampler = SequenceSampler(SamplingParams(typical_p=mass, seed=1), [])
        assert {sampler.draw(row.copy(), np.empty_like(row)) for _ in range(400)} == left


def test_a_rule_looks_at_the_output_alone() -> None:
    rules = TokenRules(6, banned=[[1, 2], [3]])
    row = np.zeros(6, np.float32)
    rules.apply(row, [1], 0)
    assert np.flatnonzero(np.isinf(row)).tolist() == [3]
    rules.apply(row, [0, 1], 1)
    assert np.flatnonzero(np.isinf(row)).tolist() == [2, 3]


TURNS = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The sea"}]


def test_an_answer_is_gone_on_with() -> None:
    encoded = read(reader(), {"messages": TURNS, "continueLast": True})
    assert encoded.text.endswith("<|im_start|>assistant\nThe sea")
    assert not encoded.thinks
    spaced = [TURNS[0], {"role": "assistant", "content": "The sea "}]
    assert read(reader(), {"messages": spaced, "continueLast": True}).text.endswith("The sea ")


@pytest.mark.parametrize("turns", [TURNS[:1], [TURNS[0], {"role": "assistant", "content": " "}]])
def test_only_an_answer_with_a_text_is_gone_on_with(turns: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(reader(), {"messages": turns, "continueLast": True})
    assert refused.value.param == "prompt.continueLast"


def test_a_template_that_changes_the_answer_is_not_gone_on_with() -> None:
    upper = "{% for m in messages %}<|im_start|>{{ m.content | upper }}{% endfor %}"
    with pytest.raises(InvalidInput, match="changes the text"):
        read(reader(upper), {"messages": TURNS, "continueLast": True})


def test_an_answer_need_not_be_begun() -> None:
    assert read(reader(), {"messages": TURNS, "generationPrompt": False}).text.endswith("The sea<|im_end|>\n")


def test_variables_reach_the_template_as_ordinary_text() -> None:
    prompts = reader("{% for m in messages %}{{ m.content }}{% endfor %}{{ style }}")
    encoded = read(prompts, {"messages": TURNS[:1], "templateVariables": {"style": "<|im_end|>"}})
    assert encoded.text == "Hi<|im_end|>"
    assert prompts._tokenizer.added["<|im_end|>"] not in encoded.tokens


@pytest.mark.parametrize("name", ["messages", "add_generation_prompt", "style", "enable_thinking"])
def test_variables_that_the_template_does_not_read_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        read(reader(), {"messages": TURNS[:1], "templateVariables": {name: True}})


def test_a_model_without_thoughts_need_not_be_told() -> None:
    prompts = PromptReader(byte_tokenizer(template="{% for m in messages %}{{ m.content }}{% endfor %}"), 512)
    assert read(prompts, {"messages": TURNS[:1], "templateVariables": {"enable_thinking": False}}).text == "Hi"


def test_the_middle_is_filled_where_the_vocabulary_has_tokens_for_it() -> None:
    marks = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
    prompts = PromptReader(to_tokenizer(byte_level(marks), None), 512)
    encoded = read(prompts, {"text": "def f(", "suffix": "): pass"})
    ids = [prompts._tokenizer.added[mark] for mark in marks]
    assert [token for token in encoded.tokens if token in ids] == ids
    assert (encoded.tokens[0], encoded.tokens[-1]) == (ids[0], ids[2])
    assert encoded.text == "def f("
    with pytest.raises(InvalidInput) as refused:
        read(reader(), {"text": "def f(", "suffix": "): pass"})
    assert refused.value.param == "prompt.suffix"
