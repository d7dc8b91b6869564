"""Guessed tokens change the number of steps of a text, and nothing else."""

from __future__ import annotations

import random
from typing import Any

import pytest
from test_handler import Service
from xim_generation.sample.draft_cost import DraftCost
from xim_generation.sample.speculate import MOST, PromptLookup

REPEATED = "The sea, the sea and the harbour. The sea, the sea and the harbour. The sea"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 9}}, "required": ["a"]}
REQUESTS: dict[str, dict[str, Any]] = {
    "greedy": {"sampling": {"temperature": 0}},
    "sampled": {"sampling": {"temperature": 0.9, "topP": 0.9, "seed": 4}},
    "one token only": {"sampling": {"temperature": 0, "logitBias": {"70": 100}}},
    "penalties": {"sampling": {"temperature": 0, "frequencyPenalty": 0.5, "repetitionPenalty": 1.2}},
    "alternatives": {"sampling": {"temperature": 0}, "logprobs": 2},
    "choices": {"sampling": {"temperature": 1, "seed": 3}, "choices": 3},
    "echo": {"sampling": {"temperature": 0}, "echo": True, "logprobs": 1},
    "schema": {"sampling": {"temperature": 0}, "format": {"type": "json-schema", "schema": SCHEMA}},
    "stop": {"sampling": {"temperature": 0, "logitBias": {"70": 100}}, "stop": ["FFFF"]},
}


@pytest.fixture(scope="module")
def services() -> list[Service]:
    return [Service(options={"speculation": speculation}) for speculation in (False, True)]


@pytest.mark.parametrize("name", REQUESTS)
def test_every_event_is_that_without_guesses(services: list[Service], name: str) -> None:
    request = {"prompt": {"text": REPEATED}, "maxTokens": 40, "ignoreEnd": True, **REQUESTS[name]}
    without, guessed = (service.run(**request) for service in services)
    assert guessed == without


def test_right_guesses_save_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for speculation in (False, True):
        service = Service(options={"speculation": speculation})
        steps: list[int] = []
        forward = service.handler._runner.forward

        def counted(batch: Any, forward: Any = forward, steps: list[int] = steps) -> Any:
            steps.append(len(batch.tokens))
            return forward(batch)

        monkeypatch.setattr(service.handler._runner, "forward", counted)
        monkeypatch.setattr(service.handler, "_clock", lambda: 0.0)
        service.run(prompt={"tokens": [70] * 9}, maxTokens=40, ignoreEnd=True, **REQUESTS["one token only"])
        counts.append(len(steps))
    assert counts[0] == 40
    assert counts[1] < 15


def test_guessed_tokens_do_not_stay_in_the_prefix_cache(services: list[Service]) -> None:
    request = {
        "prompt": {"text": REPEATED},
        "maxTokens": 30,
        "ignoreEnd": True,
        "sampling": {"temperature": 0.9, "seed": 8},
    }
    for service in services:
        first = service.run(**request)
        assert [event for event in service.run(**request) if event["type"] == "text"] == [
            event for event in first if event["type"] == "text"
        ]


def test_a_guess_is_what_followed_the_same_tokens_last_time() -> None:
    tokens = [1, 2, 3, 4, 5, 9, 2, 3, 7, 8, 1, 2, 3]
    lookup = PromptLookup(tokens)
    assert lookup.propose(MOST, 0.1) == [4, 5], "three tokens that match go before two"
    tokens.append(7)
    assert lookup.propose(MOST, 0.1) == [8, 1]
    tokens.append(6)
    assert lookup.propose(MOST, 0.1) == []


def test_a_long_prompt_is_indexed_in_parts() -> None:
    lookup = PromptLookup([number % 997 for number in range(5000)])
    guesses = [lookup.propose(MOST, 0.1) for _ in range(3)]
    assert guesses == [[], [], [15, 16]]


def test_the_length_of_a_guess_follows_what_is_right() -> None:
    tokens = [5] * 60
    lookup = PromptLookup(tokens)
    lengths = []
    for right in (2, 4, 8, 3, 3):
        lengths.append(len(lookup.propose(MOST, 0.1)))
        lookup.judge(lengths[-1], min(right, lengths[-1]))
        tokens.append(5)
    assert lengths == [2, 4, 8, 8, 3]


def test_wrong_guesses_are_watched_until_they_are_right_again() -> None:
    draw = random.Random(0)
    tokens = [1, 2, 3] * 20
    lookup = PromptLookup(tokens)
    guessed = []
    for step in range(400):
        # Random tokens: one guess of nine is right.
        tokens.append(draw.randrange(9) if step < 300 else step % 3)
        guess = lookup.propose(MOST, 0.5)
        if guess:
            guessed.append(step)
            lookup.judge(len(guess), 0 if step < 300 else len(guess))
    assert len([step for step in guessed if step < 300]) < 4, "wrong guesses were computed"
    assert len([step for step in guessed if step >= 300]) > 80, "right guesses were not found again"


def test_a_first_guess_is_watched_where_it_would_cost_much() -> None:
    tokens = [1, 2, 3, 4] * 5
    lookup = PromptLookup(tokens)
    guesses = []
    for step in range(8):
        guesses.append(lookup.propose(MOST, 0.75))
        tokens.append(1 + step % 4)
    assert guesses[:2] == [[], []]
    assert guesses[2] == [3, 4, 1, 2]


def test_drafts_must_gain_more_than_their_rows_cost() -> None:
    cost = DraftCost()
    before = cost.least_accepted(1)
    assert 0 < before < cost.least_accepted(4) < 1
    for _ in range(100):
        cost.record(1, 1, 0.010)
        cost.record(1, 5, 0.010)
        cost.record(4, 4, 0.010)
        cost.record(4, 12, 0.030)
    assert cost.least_accepted(1) < 0.01, "rows that cost nothing"
    assert cost.least_accepted(4) > 1, "a row costs as much as a token"
    assert cost.least_accepted(2) == pytest.approx(2 * before), "not measured yet"
