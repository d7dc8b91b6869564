from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from xim_engine_oneapi.choice import Call, Choice, Wanted
from xim_generation.output.text_stream import advance

END = 256
VOCABULARY = SimpleNamespace(pieces=[bytes([byte]) for byte in range(256)] + [b""])
VOCABULARY.raw = [*VOCABULARY.pieces[:256], b"<end>"]


class Handle:
    cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


def decode(rows: list[list[int]]) -> list[str]:
    return [b"".join(VOCABULARY.pieces[token] for token in row).decode("utf-8", "replace") for row in rows]


def run(text: str, reason: str = "stop", size: int = 1, **wanted: Any) -> tuple[Choice, list[dict[str, Any]]]:
    """A choice whose tokens are the text's bytes, `size` of them a step, and an end token where it stops by itself."""
    tokens = [*text.encode(), *([END] if reason == "stop" else [])]
    choice = Choice(Call(1, [1, 2]), 0, Handle(), Wanted(**{"stops": [], **wanted}), VOCABULARY)  # type: ignore[arg-type]
    choice.call.choices.append(choice)
    events: list[dict[str, Any]] = []
    for at in range(0, len(tokens), size):
        fresh = tokens[at : at + size]
        last = at + size >= len(tokens)
        output: Any = SimpleNamespace(generated_ids=fresh, generated_log_probs=[-token / 8 for token in fresh])
        (let_go,) = advance(decode, [(choice.stream, choice.read(output), last)])
        over = "stop" if choice.stream.stopped is not None else reason if last else None
        events += choice.tell(let_go, over)
        if choice.over:
            break
    return choice, events


def text_of(events: Sequence[dict[str, Any]], kind: str = "text-delta") -> str:
    return "".join(event["text"] for event in events if event["type"] == kind)


def entries_of(events: Sequence[dict[str, Any]], kind: str = "text-delta") -> list[dict[str, Any]]:
    assert all(len(event["logprobs"]) == event["tokens"] for event in events if "logprobs" in event)
    return [entry for event in events if event["type"] == kind for entry in event["logprobs"]]


CALL = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'


@pytest.mark.parametrize("size", [1, 2, 7, 200])
def test_joined_tokens_are_the_text(size: int) -> None:
    choice, events = run("naïve 日本 😀", size=size, logprobs=True)
    entries = entries_of(events)
    assert b"".join(bytes(entry["bytes"]) for entry in entries).decode() == text_of(events) == "naïve 日本 😀"
    assert entries[0] == {"id": 110, "token": "n", "bytes": [110], "logprob": -110 / 8, "top": []}
    # The end token has no text and no entry, but it counts.
    assert choice.call.output_tokens == len(entries) + 1


@pytest.mark.parametrize("size", [1, 2, 5, 200])
@pytest.mark.parametrize(("include", "expected"), [(False, "ab "), (True, "ab STOP")])
def test_tokens_of_a_stop_text_have_no_entries(size: int, include: bool, expected: str) -> None:
    choice, events = run("ab STOP cd", size=size, stops=["STOP"], include_stop=include, logprobs=True)
    assert text_of(events) == "".join(entry["token"] for entry in entries_of(events)) == expected
    assert events[-1] == {"type": "choice-end", "choice": 0, "reason": "stop", "stop": "STOP"}
    assert choice.handle.cancelled


@pytest.mark.parametrize("size", [1, 3, 200])
def test_calls_stand_for_no_tokens(size: int) -> None:
    _, events = run(f"So:\n{CALL}", size=size, tools=True, logprobs=True)
    assert text_of(events) == "So:"
    calls = [event for event in events if event["type"].startswith("tool-call")]
    assert calls[0]["name"] == "f"
    assert "".join(event["arguments"] for event in calls[1:]) == '{"a": 1}'
    assert all("tokens" not in event and event["choice"] == 0 for event in calls)
    assert events[-1]["reason"] == "tool-calls"
    if size == 1:
        assert len(entries_of(events)) == 3


def test_tokens_of_calls_are_not_given_to_the_text_after_them() -> None:
    _, events = run(f"{CALL} yes", tools=True)
    # Held white space goes with the text that lets it go.
    assert sum(event.get("tokens", 0) for event in events) == len(" yes") + 1 - 1


@pytest.mark.parametrize("size", [1, 3, 200])
def test_one_call_ends_the_choice(size: int) -> None:
    choice, events = run(f"{CALL}\n{CALL}\nmore", "length", size, tools=True, single=True)
    assert sum(event["type"] == "tool-call" for event in events) == 1
    assert text_of(events) == ""
    if size < 200:
        assert events[-1]["reason"] == "tool-calls"
        assert choice.handle.cancelled


def test_a_cut_call_ends_by_length() -> None:
    _, events = run(CALL[:-20], "length", tools=True)
    assert events[-1]["reason"] == "length"
    assert events[0]["type"] == "tool-call"


@pytest.mark.parametrize("size", [1, 2])
def test_thoughts_are_counted_and_told_apart(size: int) -> None:
    choice, events = run("<think>\nhm hm\n</think>\n\nYes.", size=size, thinks=True, logprobs=True)
    assert text_of(events, "reasoning-delta") == "hm hm"
    assert text_of(events) == "Yes."
    if size == 1:
        assert "".join(entry["token"] for entry in entries_of(events)) == "Yes."
        assert choice.call.reasoning_tokens == len("\nhm hm\n</think>")
    assert choice.call.to_end()["usage"]["reasoningTokens"] == choice.call.reasoning_tokens


def test_a_prompt_is_echoed_with_its_probabilities() -> None:
    choice = Choice(Call(1, [72, 105]), 0, Handle(), Wanted([], logprobs=True, echo="Hi"), VOCABULARY)  # type: ignore[arg-type]
    output: Any = SimpleNamespace(generated_ids=[72, 105, 33], generated_log_probs=[1.0, -2.0, -3.0])
    assert choice.read(output) == [33]
    echo, delta, _ = choice.tell("!", "length")
    assert (echo["text"], echo["tokens"]) == ("Hi", 0)
    assert [(entry["token"], entry["logprob"]) for entry in echo["logprobs"]] == [("H", None), ("i", -2.0)]
    assert [(entry["token"], entry["logprob"]) for entry in delta["logprobs"]] == [("!", -3.0)]
    assert choice.call.output_tokens == 1
