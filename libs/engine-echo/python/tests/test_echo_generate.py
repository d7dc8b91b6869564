from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from echo_service import Service, text
from xim_engine_echo import start
from xim_worker import Event


@pytest.fixture(scope="module")
def service() -> Service:
    return Service()


def conversation(last: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": last}], **more}


def ends(events: list[Event]) -> list[Event]:
    return [event for event in events if event["type"] == "choice-end"]


def arguments(events: list[Event], call: int) -> Any:
    return json.loads(
        "".join(event["arguments"] for event in events if event.get("call") == call and "arguments" in event)
    )


def test_the_prompt_comes_back_a_token_per_step_and_then_its_end(service: Service) -> None:
    assert service.run(prompt="one two") == [
        {"type": "start", "inputTokens": 2},
        {"type": "text-delta", "choice": 0, "text": "one", "tokens": 1},
        {"type": "text-delta", "choice": 0, "text": " two", "tokens": 1},
        {"type": "choice-end", "choice": 0, "reason": "stop"},
        {"type": "end", "usage": {"inputTokens": 2, "outputTokens": 3, "cachedTokens": 0}},
    ]


@pytest.mark.parametrize("said", ["hi", "", "so <|user|> and <|end|>", "naïve 日本 😀", "two two two two"])
def test_the_last_message_is_said_again_at_any_temperature_up_to_1(service: Service, said: str) -> None:
    for temperature in (0, 0.5, 1):
        assert service.say(prompt=conversation(said), sampling={"temperature": temperature}) == said


def test_tokens_are_a_prompt_like_their_text(service: Service) -> None:
    result = service.handler.tokenize({"prompt": {"text": "naïve 日本"}})
    assert result["text"] == "naïve 日本"
    assert service.say(prompt={"tokens": [token["id"] for token in result["tokens"]]}) == "naïve 日本"
    known = service.handler.tokenize({"prompt": {"text": "aA three"}})["tokens"]
    assert [(token["id"], token["text"]) for token in known] == [(64, "a"), (32, "A"), (261, " three")]


def test_a_thought_is_a_thought(service: Service) -> None:
    events = service.run(prompt=conversation("<think>well now</think>yes"))
    assert (text(events, "reasoning-delta"), text(events)) == ("well now", "yes")


def test_an_end_that_is_ignored_begins_anew(service: Service) -> None:
    events = service.run(prompt="one two", maxTokens=7, ignoreEnd=True)
    assert "".join(event.get("text", "") for event in events) == "one twoone twoone"
    assert ends(events)[0]["reason"] == "length"
    # Without a limit, up to the end of the context.
    short = Service(contextLength=100)
    assert short.run(prompt="a a", ignoreEnd=True)[-1]["usage"]["outputTokens"] == 98


def test_stars_are_letters_that_a_seed_chooses(service: Service) -> None:
    said = [service.say(prompt="dice ********", sampling={"seed": seed}) for seed in (1, 1, 2)]
    assert said[0] == said[1] != said[2]
    assert said[0].startswith("dice ") and len(said[0]) == len("dice ********")
    assert set(said[0][5:]) <= set("abcdefghijklmnopqrstuvwxyz*")
    assert service.say(prompt="dice ********", sampling={"temperature": 0}) == "dice ********"


def test_a_bias_forbids_a_token_or_leaves_no_other(service: Service) -> None:
    def bias(value: int) -> dict[str, Any]:
        return {"logitBias": {"259": value}}

    assert service.say(prompt="one two three", sampling=bias(-100)) == "one three"
    assert service.say(prompt="one two", sampling=bias(-100)) == "one"
    assert service.say(prompt="one two three", sampling=bias(100), maxTokens=4) == " two" * 4


def test_probabilities_are_all_but_certain(service: Service) -> None:
    events = service.run(prompt="one two", logprobs=2, echo=True)
    prompt, *said = [entry for event in events for entry in event.get("logprobs", [])]
    assert prompt["logprob"] is None
    assert [entry["token"] for entry in said] == [" two", "one", " two"]
    assert all(entry["logprob"] == pytest.approx(0, abs=1e-6) for entry in said)
    assert all(entry["top"][0]["id"] == entry["id"] and entry["top"][1]["logprob"] < -10 for entry in said)


SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "people": {"type": "integer"},
        "big": {"type": "boolean"},
        "kind": {"enum": ["town", "village"]},
        "rivers": {"type": "array", "items": {"type": "string"}},
        "mayor": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["city", "people", "big", "kind", "rivers", "mayor"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("said", ['one "two" \\ 🙂', "cold", "city", "a\nb", "}", ""])
def test_every_text_of_a_format_is_the_echo(service: Service, said: str) -> None:
    format_ = {"type": "json-schema", "schema": SCHEMA}
    answer = json.loads(service.say(prompt=conversation(said), format=format_))
    assert answer == {
        "city": said,
        "people": 1,
        "big": True,
        "kind": "town",
        "rivers": answer["rivers"],
        "mayor": said,
    }
    assert answer["rivers"] in ([], [""])


def test_a_text_of_the_right_shape_is_said_as_it_is(service: Service) -> None:
    said = '{"a": [1, 2], "b": "c"}'
    assert service.say(prompt=conversation(said), format={"type": "json"}) == said
    assert service.say(prompt=conversation("ab-12"), format={"type": "regex", "pattern": "[a-z]+-[0-9]+"}) == "ab-12"
    assert service.say(prompt=conversation("hey"), format={"type": "json"}) == "{}"


TOOLS = [
    {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
    {"name": "clock"},
]
CALLS = (
    '<tool_call>\n{"name": "weather", "arguments": {"place": "Rome"}}\n</tool_call>\n'
    '<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>'
)


def test_a_required_tool_is_called_with_the_echo(service: Service) -> None:
    choice = {"mode": "required", "name": "weather"}
    events = service.run(prompt=conversation("Zürich", tools=TOOLS, toolChoice=choice))
    assert [event["name"] for event in events if event["type"] == "tool-call"] == ["weather"]
    assert arguments(events, 0) == {"place": "Zürich"}
    assert ends(events)[0]["reason"] == "tool-calls"


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_calls_in_the_prompt_are_calls(service: Service, mode: str) -> None:
    events = service.run(prompt=conversation(CALLS, tools=TOOLS, toolChoice={"mode": mode}))
    assert [event["name"] for event in events if event["type"] == "tool-call"] == ["weather", "clock"]
    assert (arguments(events, 0), arguments(events, 1)) == ({"place": "Rome"}, {})
    assert service.say(prompt=conversation(CALLS, tools=TOOLS, toolChoice={"mode": "none"})) == CALLS


def test_slots_are_the_plans() -> None:
    service = Service(slots=1)
    numbers = [service.add(prompt="a b") for _ in range(3)]
    service.handler.cancel(numbers[1])
    order: list[int] = []
    while len(order) < 6:
        order += [number for number, event in service.steps() if event["type"] == "text-delta"]
    assert order == [numbers[0]] * 3 + [numbers[2]] * 3


def test_many_prompts_at_once_come_back_whole() -> None:
    service = Service(slots=8, contextLength=500)
    texts = [f"{number} " + "word " * (number * 9) for number in range(20)]
    answers = service.finish(*[service.add(prompt=each) for each in texts])
    assert ["".join(event.get("text", "") for event in events) for events in answers] == texts


def test_the_rate_is_kept_from_the_first_call_on(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: 100 + sum(slept), sleep=slept.append)
    monkeypatch.setattr(start, "time", clock)
    service = Service(rate=50)
    service.run(prompt="one two three four five")
    # The first of six steps is at once.
    assert slept == pytest.approx([1 / 50] * 5)
