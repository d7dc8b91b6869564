import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from xim_engine_echo.generate import Generate
from xim_worker import Context, Event, InvalidInput

MakeContext = Callable[..., Context]


@pytest.fixture
def handler(context: MakeContext) -> Generate:
    generate = Generate()
    generate.load(context(contextLength=100))
    return generate


def run(handler: Generate, **request: Any) -> list[Event]:
    if isinstance(request["prompt"], str):
        request["prompt"] = {"text": request["prompt"]}
    events = handler.add(1, request)
    while handler.busy:
        events += [event for _, event in handler.step()]
    return events


def text(events: list[Event], kind: str = "text-delta", choice: int = 0) -> str:
    return "".join(event["text"] for event in events if event["type"] == kind and event["choice"] == choice)


def reasons(events: list[Event]) -> list[str]:
    return [event["reason"] for event in events if event["type"] == "choice-end"]


def test_the_prompt_comes_back_a_token_per_step(handler: Generate) -> None:
    assert run(handler, prompt="one two") == [
        {"type": "start", "inputTokens": 2},
        {"type": "text-delta", "choice": 0, "text": "one", "tokens": 1},
        {"type": "text-delta", "choice": 0, "text": " two", "tokens": 1},
        {"type": "choice-end", "choice": 0, "reason": "stop"},
        {"type": "end", "usage": {"inputTokens": 2, "outputTokens": 2}},
    ]


def test_the_last_message_is_echoed_and_all_are_counted(handler: Generate) -> None:
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]
    events = run(handler, prompt={"messages": messages})
    assert text(events) == "hi"
    assert events[0]["inputTokens"] == len(handler.tokenize({"prompt": {"messages": messages}})["tokens"]) > 2


def test_tokens_are_a_prompt_like_their_text(handler: Generate) -> None:
    result = handler.tokenize({"prompt": {"text": "naïve 日本"}})
    assert result["text"] == "naïve 日本"
    ids = [token["id"] for token in result["tokens"]]
    assert text(run(handler, prompt={"tokens": ids})) == "naïve 日本"


def test_tokens_say_which_characters_they_are(handler: Generate) -> None:
    tokens = handler.tokenize({"prompt": {"text": "so 日"}})["tokens"]
    assert [(token["text"], token["start"], token["end"]) for token in tokens] == [
        ("so", 0, 2),
        (" ", 2, 3),
        ("\ufffd", 3, 4),
        ("\ufffd", 3, 4),
    ]


def test_an_echo_begins_with_the_prompt_whose_first_token_nothing_came_before(handler: Generate) -> None:
    events = run(handler, prompt="one two", echo=True, logprobs=0, choices=2)
    assert text(events) == "one twoone two"
    echoed = [event for event in events if event["type"] == "text-delta" and event["tokens"] == 0]
    assert [[entry["logprob"] is None for entry in event["logprobs"]] for event in echoed] == [[True, False]] * 2


def test_a_stop_text_is_named_and_kept_where_asked(handler: Generate) -> None:
    events = run(handler, prompt="one two three", stop=["three", "two"], includeStop=True)
    assert text(events) == "one two"
    assert events[-2]["stop"] == "two"
    assert "stop" not in run(handler, prompt="one")[-2]


def test_a_format_is_filled_with_the_simplest_values(handler: Generate) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "size": {"enum": [3, 4]}}}
    assert text(run(handler, prompt="hey", format={"type": "json-schema", "schema": schema})) == (
        '{"name": "hey", "size": 3}'
    )


def test_a_format_may_refer_to_its_own_parts_but_not_for_ever(handler: Generate) -> None:
    kind = {"enum": ["big", "small"]}
    node = {"type": "object", "properties": {"kind": {"$ref": "#/$defs/kind"}, "next": {"$ref": "#/$defs/node"}}}
    schema = {"$defs": {"kind": kind, "node": node}, "$ref": "#/$defs/node"}
    answer = json.loads(text(run(handler, prompt="hey", format={"type": "json-schema", "schema": schema})))
    assert answer["next"]["next"]["kind"] == "big"


def test_parts_of_a_character_are_held_back_and_counted_with_it(handler: Generate) -> None:
    deltas = [event for event in run(handler, prompt="日本") if event["type"] == "text-delta"]
    assert [(delta["text"], delta["tokens"]) for delta in deltas] == [("日", 2), ("本", 1)]


def test_an_unfinished_character_is_let_go_at_the_end(handler: Generate) -> None:
    events = run(handler, prompt="日本", maxTokens=1)
    assert (text(events), reasons(events)) == ("\ufffd", ["length"])


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (["three"], "one two "),
        (["o th"], "one tw"),
        (["nowhere", "e t"], "on"),
        (["four!"], "one two three four"),
        (["one"], ""),
    ],
)
def test_a_stop_text_ends_the_choice_and_is_left_out(handler: Generate, stop: list[str], expected: str) -> None:
    events = run(handler, prompt="one two three four", stop=stop)
    assert (text(events), reasons(events)) == (expected, ["stop"])


def test_max_tokens_and_ignore_end(handler: Generate) -> None:
    events = run(handler, prompt="a b", maxTokens=5, ignoreEnd=True)
    assert (text(events), reasons(events)) == ("a ba ba", ["length"])
    assert reasons(run(handler, prompt="a b c", maxTokens=2)) == ["length"]
    assert reasons(run(handler, prompt="a b c", maxTokens=3)) == ["stop"]
    # Without a limit, up to the end of the context.
    assert run(handler, prompt="a b", ignoreEnd=True)[-1]["usage"]["outputTokens"] == 98


def test_choices_with_a_seed_differ_and_repeat(handler: Generate) -> None:
    prompt = "a b c d e f g h"
    first = run(handler, prompt=prompt, choices=2, sampling={"seed": 1})
    again = run(handler, prompt=prompt, choices=2, sampling={"seed": 1})
    assert first == again
    assert len({text(first), text(first, choice=1), text(run(handler, prompt=prompt, sampling={"seed": 9}))}) == 3
    assert sorted(text(first).split()) == prompt.split()
    assert text(run(handler, prompt=prompt, sampling={"seed": 1, "temperature": 0})) == prompt


def test_logprobs_are_one_per_token_the_chosen_one_first(handler: Generate) -> None:
    deltas = [event for event in run(handler, prompt="hi 日", logprobs=2) if event["type"] == "text-delta"]
    assert [len(delta["logprobs"]) for delta in deltas] == [delta["tokens"] for delta in deltas] == [1, 1, 2]
    entry = deltas[0]["logprobs"][0]
    assert (entry["token"], entry["bytes"], len(entry["top"])) == ("hi", [104, 105], 2)
    assert entry["top"][0]["logprob"] == entry["logprob"] > entry["top"][1]["logprob"]
    assert run(handler, prompt="hi", logprobs=0)[1]["logprobs"][0]["top"] == []


def test_marked_text_is_reasoning(handler: Generate) -> None:
    events = run(handler, prompt="<think>let me see</think>found it")
    assert (text(events, "reasoning-delta"), text(events)) == ("let me see", "found it")
    assert events[-1]["usage"] == {"inputTokens": 8, "outputTokens": 5, "reasoningTokens": 3}


def test_required_tools_are_called(handler: Generate) -> None:
    tools = [
        {"name": "weather", "parameters": {"properties": {"place": {"type": "string"}, "days": {"type": "integer"}}}},
        {"name": "clock"},
    ]
    prompt = {"messages": [{"role": "user", "content": "Zürich"}], "tools": tools, "toolChoice": {"mode": "required"}}
    events = run(handler, prompt=prompt)
    opened = [event for event in events if event["type"] == "tool-call"]
    assert [(event["call"], event["name"]) for event in opened] == [(0, "weather"), (1, "clock")]
    arguments = "".join(event["arguments"] for event in events if event.get("call") == 0 and "arguments" in event)
    assert json.loads(arguments) == {"place": "Zürich", "days": 1}
    assert reasons(events) == ["tool-calls"]
    for choice in ({"mode": "required", "parallel": False}, {"mode": "required", "name": "weather"}):
        events = run(handler, prompt={**prompt, "toolChoice": choice})
        assert [event["name"] for event in events if event["type"] == "tool-call"] == ["weather"]
    assert text(run(handler, prompt={**prompt, "toolChoice": {"mode": "auto"}})) == "Zürich"


@pytest.mark.parametrize(
    ("request_", "param", "code"),
    [
        ({"prompt": {"text": ""}}, "prompt", "XIM_INVALID_INPUT"),
        ({"prompt": {"tokens": [7]}}, "prompt", "XIM_INVALID_INPUT"),
        ({"prompt": {"text": "a"}, "maxTokens": 0}, "maxTokens", "XIM_INVALID_INPUT"),
        ({"prompt": {"text": "a"}, "maxTokens": 100}, "maxTokens", "XIM_CONTEXT_LENGTH_EXCEEDED"),
        ({"prompt": {"text": "a " * 100}}, "prompt", "XIM_CONTEXT_LENGTH_EXCEEDED"),
        (
            {"prompt": {"text": "a"}, "format": {"type": "regex", "pattern": "a"}},
            "format.pattern",
            "XIM_UNSUPPORTED_PARAMETER",
        ),
        (
            {"prompt": {"text": "a"}, "sampling": {"logitBias": {"1": 2}}},
            "sampling.logitBias",
            "XIM_UNSUPPORTED_PARAMETER",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    handler: Generate, request_: dict[str, Any], param: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        handler.add(1, request_)
    assert (refusal.value.param, refusal.value.code) == (param, code)
    assert not handler.busy


def test_what_no_slot_is_free_for_waits_in_order(context: MakeContext) -> None:
    handler = Generate()
    handler.load(context(slots=1))
    for call in (1, 2, 3):
        handler.add(call, {"prompt": {"text": "a b"}})
    handler.cancel(2)
    handler.cancel(99)
    order = []
    while handler.busy:
        order += [call for call, event in handler.step() if event["type"] == "text-delta"]
    assert order == [1, 1, 3, 3]


def test_a_cancelled_call_frees_its_slot_at_once(context: MakeContext) -> None:
    handler = Generate()
    handler.load(context(slots=1))
    handler.add(1, {"prompt": {"text": "a"}, "ignoreEnd": True, "maxTokens": 1000})
    handler.add(2, {"prompt": {"text": "b"}})
    handler.step()
    handler.cancel(1)
    assert {call for call, _ in handler.step()} == {2}


def test_the_rate_is_kept(context: MakeContext) -> None:
    handler = Generate()
    handler.load(context(rate=50))
    began = time.monotonic()
    run(handler, prompt="a b c d e f")
    # The first of six steps is at once.
    assert time.monotonic() - began >= 5 / 50
