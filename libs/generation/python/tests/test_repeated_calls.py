"""Required calls: the default after a call is the end, and no call is repeated directly."""

from __future__ import annotations

import json
from typing import Any, cast

import numpy as np
import pytest
from shapes import byte_tokenizer
from xim_generation.call import Choice, Scratch
from xim_generation.chat.dialects import find_dialect
from xim_generation.constrain import Matcher
from xim_generation.output.choice_output import ChoiceOutput, OutputOptions
from xim_generation.sample.params import to_params
from xim_generation.sample.sampler import SequenceSampler
from xim_generation.schedule.sequence import Sequence
from xim_worker import turn_of

TOKENIZER = byte_tokenizer()


def call(place: str) -> str:
    return f'<tool_call>\n{{"name": "weather", "arguments": {json.dumps({"place": place})}}}\n</tool_call>'


def run(text: str, *, size: int = 1, required: bool = True) -> tuple[list[str], list[str], int]:
    """The arguments of each call, the reasons of the end, and the number of consumed tokens."""
    options = OutputOptions(tools=True, required=required)
    output = ChoiceOutput(0, options, TOKENIZER, find_dialect("hermes"))
    tokens = TOKENIZER.encode(text, special=False)
    events: list[Any] = []
    for at in range(0, len(tokens), size):
        if output.over:
            break
        last = at + size >= len(tokens)
        events += output.push(tokens[at : at + size], None, "length" if last else None)
    calls: list[str] = []
    for event in events:
        if event["type"] == "tool-call":
            assert event["call"] == len(calls)
            calls.append("")
        elif event["type"] == "tool-call-delta":
            calls[event["call"]] += event["arguments"]
    ends = [event["reason"] for event in events if event["type"] == "choice-end"]
    return [json.loads(arguments)["place"] for arguments in calls], ends, output.output_tokens


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_call_that_comes_again_ends_the_choice(size: int) -> None:
    twice = f"{call('Basel')}\n{call('Basel')}"
    calls, ends, tokens = run(f"{twice}\n{call('Bern')}", size=size)
    assert (calls, ends, tokens) == (["Basel"], ["tool-calls"], len(twice))


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_calls_that_differ_stay(size: int) -> None:
    places = ["Basel", "Bas", "Basel", "Bern"]
    calls, ends, _ = run("\n".join(map(call, places)), size=size)
    assert (calls, ends) == (places, ["length"])


def test_the_beginning_of_a_repeat_that_was_cut_is_shown() -> None:
    options = OutputOptions(tools=True, required=True)
    output = ChoiceOutput(0, options, TOKENIZER, find_dialect("hermes"))
    text = f"{call('Basel')}\n{call('Basel')}"[:-20]
    events = output.push(TOKENIZER.encode(text, special=False), None, "length")
    assert [event["call"] for event in events if event["type"] == "tool-call"] == [0, 1]


def test_calls_that_are_not_required_may_repeat() -> None:
    calls, _, _ = run(f"{call('Basel')}\n{call('Basel')}", required=False)
    assert calls == ["Basel", "Basel"]


class Allowed:
    """A matcher that always allows the same tokens."""

    def __init__(self, *tokens: int) -> None:
        self._tokens = tokens

    def fill(self, mask: Any) -> None:
        mask[:] = 0
        for token in self._tokens:
            mask[token >> 5] |= np.uint32(1 << (token & 31))

    def allows(self, token: int) -> bool:
        return token in self._tokens


@pytest.mark.parametrize("sampling", [{"temperature": 0}, {"temperature": 1, "seed": 2}])
def test_the_end_after_a_call_is_the_default(sampling: dict[str, Any]) -> None:
    (end,) = TOKENIZER.ends
    again, other = 60, 5
    size = len(TOKENIZER)
    params = to_params({"prompt": {"text": "a"}, "sampling": cast(Any, sampling)}, size)

    def choose(*allowed: int, best: int, default_ends: frozenset[int] = TOKENIZER.ends) -> int:
        row = np.zeros(size, np.float32)
        row[again], row[best] = 40, 80
        output = ChoiceOutput(0, OutputOptions(), TOKENIZER, find_dialect("hermes"))
        choice = Choice(
            Sequence(1, turn_of(1), [1]),
            SequenceSampler(params.sampling, [1]),
            output,
            cast(Matcher, Allowed(*allowed)),
            params,
            9,
            None,
            default_ends,
        )
        return choice.choose(row, Scratch(size))[0]

    assert choose(again, end, best=other) == end
    assert choose(again, end, best=again) == again
    assert choose(again, best=other) == again, "inside a call"
    assert choose(again, end, best=other, default_ends=frozenset()) == again, "not a required call"
