"""The handler over a real transformer with random weights: whole calls, from the request to the last event."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from shapes import byte_tokenizer
from tiny_runner import TinyRunner
from xim_generation.handler import GenerateHandler
from xim_generation.runner import RunnerLimits
from xim_worker import Context, Event, InvalidInput, Plan

TOKENIZER = byte_tokenizer()
STORIES = ["The sea", "A harbour at night", "x", "The sea is wide and", "Once upon a time there was"]


class Service:
    """A handler, and calls that run until their end."""

    def __init__(self, *, blocks: int = 200, slots: int = 8, options: dict[str, Any] | None = None) -> None:
        self.awake = threading.Event()
        vocabulary = len(TOKENIZER)
        limits = RunnerLimits(
            vocabulary, context_length=min(120, blocks * 4), block_tokens=4, blocks=blocks, batch_tokens=24
        )
        self.handler = GenerateHandler(lambda context: TinyRunner(limits, TOKENIZER))
        plan = Plan(threads=1, slots=slots, kv_cache_bytes=0, batch_tokens=24)
        self.info = self.handler.load(
            Context({"id": "tiny"}, "", options or {}, plan, 0, lambda step, share: None, wake=self.awake.set)
        )
        self._numbers = iter(range(1, 10_000))

    def add(self, **request_: Any) -> int:
        request: Any = request_
        number = next(self._numbers)
        assert self.handler.add(number, request) == []
        return number

    def finish(self, *numbers: int) -> list[list[Event]]:
        """The events of the calls, each run until its end."""
        events: dict[int, list[Event]] = {number: [] for number in numbers}
        over: set[int] = set()
        while len(over) < len(numbers):
            if not self.handler.busy:
                assert self.awake.wait(10), "a prepared call wakes the runtime"
                self.awake.clear()
                continue
            for number, event in self.handler.step():
                events.setdefault(number, []).append(event)
                if event["type"] in ("end", "error") and number in numbers:
                    over.add(number)
        return [events[number] for number in numbers]

    def run(self, **request: Any) -> list[Event]:
        return self.finish(self.add(**request))[0]


@pytest.fixture(scope="module")
def service() -> Service:
    return Service()


def text(events: list[Event], choice: int = 0) -> str:
    return "".join(event["text"] for event in events if "text" in event and event["choice"] == choice)


def entries(events: list[Event]) -> list[dict[str, Any]]:
    return [entry for event in events for entry in event.get("logprobs", [])]


def story(number: int, **more: Any) -> dict[str, Any]:
    sampling = {"temperature": 0} if number % 2 else {"temperature": 0.9, "topP": 0.9, "seed": number}
    return {
        "prompt": {"text": STORIES[number % len(STORIES)]},
        "maxTokens": 5 + number % 7,
        "ignoreEnd": True,
        "sampling": sampling,
        **more,
    }


@pytest.mark.parametrize("blocks", [200, 22])
def test_every_call_has_the_text_that_it_has_alone(blocks: int) -> None:
    service = Service(blocks=blocks)
    numbers = range(12)
    alone = [text(service.run(**story(number))) for number in numbers]
    together = service.finish(*[service.add(**story(number)) for number in numbers])
    assert [text(events) for events in together] == alone
    assert all(events[-1]["usage"]["outputTokens"] == 5 + number % 7 for number, events in enumerate(together))


def test_a_choice_is_the_call_with_its_seed(service: Service) -> None:
    sampling = {"seed": 40, "temperature": 1.0}
    events = service.run(**story(0, choices=3, sampling=sampling))
    for choice in range(3):
        assert text(events, choice) == text(service.run(**story(0, sampling={**sampling, "seed": 40 + choice})))


def test_the_probabilities_of_an_output_are_those_of_its_echo(service: Service) -> None:
    prompt = {"text": "The sea"}
    events = service.run(prompt=prompt, maxTokens=6, ignoreEnd=True, logprobs=3, sampling={"temperature": 0})
    said = list(entries(events))
    tokens = TOKENIZER.encode(prompt["text"], special=True) + [entry["id"] for entry in said]
    echoed = service.run(prompt={"tokens": tokens}, maxTokens=1, echo=True, logprobs=3, ignoreEnd=True)
    again = entries(echoed)[len(tokens) - len(said) : len(tokens)]
    assert [entry["logprob"] for entry in again] == pytest.approx([entry["logprob"] for entry in said], abs=1e-5)
    assert [[top["id"] for top in entry["top"]] for entry in again] == [[top["id"] for top in e["top"]] for e in said]
    assert all(entry["top"][0]["id"] == entry["id"] for entry in said), "greedy takes the most probable token"
    assert entries(echoed)[0]["logprob"] is None


def test_a_bias_and_a_penalty_change_tokens_and_no_probability(service: Service) -> None:
    free = service.run(**story(1, logprobs=0))
    first = entries(free)[0]
    events = service.run(**story(1, logprobs=0, sampling={"temperature": 0, "logitBias": {str(first["id"]): -100}}))
    assert entries(events)[0]["id"] != first["id"]
    forced = service.run(**story(1, logprobs=1, sampling={"temperature": 0, "logitBias": {"65": 100}}))
    assert {entry["id"] for entry in entries(forced)} == {65}
    assert entries(forced)[0]["top"][0]["logprob"] == pytest.approx(first["logprob"], abs=1e-6)


def test_a_format_is_held_and_ends_the_output(service: Service) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"enum": ["x", "y"]}},
        "required": ["a"],
        "additionalProperties": False,
    }
    for seed in range(5):
        events = service.run(
            prompt={"text": "Go"},
            format={"type": "json-schema", "schema": schema},
            sampling={"seed": seed, "temperature": 5},
        )
        assert text(events) in ('{"a": "x"}', '{"a": "y"}')
        assert events[-2]["reason"] == "stop"


def test_a_wrong_call_ends_alone(service: Service) -> None:
    good = [service.add(**story(number)) for number in range(3)]
    bad = service.add(prompt={"text": "a"}, format={"type": "regex", "pattern": "("})
    long = service.add(prompt={"text": "word " * 100})
    *events, wrong, longer = service.finish(*good, bad, long)
    assert [event["type"] for event in wrong] == ["error"]
    assert (wrong[0]["param"], wrong[0]["code"]) == ("format.pattern", "XIM_INVALID_INPUT")
    assert longer[0]["code"] == "XIM_CONTEXT_LENGTH_EXCEEDED"
    assert all(each[-1]["type"] == "end" for each in events)
    with pytest.raises(InvalidInput):
        service.handler.add(9999, {"prompt": {"text": "a"}, "maxTokens": 0})


def test_an_exception_while_sampling_ends_one_call(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("xim_generation.constrain.Matcher.fill", broken)
    good = service.add(**story(1))
    bad = service.add(prompt={"text": "a"}, format={"type": "json"})
    fine, wrong = service.finish(good, bad)
    assert fine[-1]["type"] == "end"
    assert wrong[-1] == {"type": "error", "code": "XIM_ENGINE_REQUEST", "message": "RuntimeError: broken on purpose"}
    assert not service.handler.busy


def test_a_panic_of_a_native_library_ends_one_call(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        pass

    def panics(*_: object) -> None:
        raise Panic("broken on purpose")

    good = service.add(**story(1))
    with monkeypatch.context() as patch:
        patch.setattr(service.handler._admission._constraints, "compile", panics)
        (wrong,) = service.finish(service.add(**story(3)))
    assert wrong == [
        {"type": "error", "code": "XIM_ENGINE_REQUEST", "message": "RuntimeError: Panic: broken on purpose"}
    ]
    with monkeypatch.context() as patch:
        patch.setattr("xim_generation.constrain.Matcher.fill", panics)
        (wrong,) = service.finish(service.add(prompt={"text": "a"}, format={"type": "json"}))
    assert wrong[-1]["message"] == "RuntimeError: Panic: broken on purpose"
    assert service.run(**story(5))[-1]["type"] == "end"
    service.handler.cancel(good)


def test_a_cancelled_call_leaves_nothing(service: Service) -> None:
    stays, goes = service.add(**story(1)), service.add(**story(3, maxTokens=80))
    service.handler.cancel(goes)
    (events,) = service.finish(stays)
    assert events[-1]["type"] == "end"
    service.handler.cancel(goes)
    assert not service.handler.busy


def test_a_prompt_that_was_computed_is_taken_from_the_cache() -> None:
    request = {"prompt": {"tokens": [70] * 21}, "maxTokens": 1, "ignoreEnd": True}
    cached = Service()
    used = [cached.run(**request)[-1]["usage"]["cachedTokens"] for _ in range(2)]
    # Blocks of four tokens; at least one token is computed.
    assert used == [0, 20]
    without = Service(options={"prefixCache": False})
    assert [without.run(**request)[-1]["usage"]["cachedTokens"] for _ in range(2)] == [0, 0]
