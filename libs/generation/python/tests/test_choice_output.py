from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from xim_generation.chat.dialects import DIALECTS
from xim_generation.output.choice_output import ChoiceOutput, OutputOptions
from xim_generation.output.token_log import TokenScore
from xim_generation.output.token_text import TokenText

END = 256
# Each byte is a token. 257 is special but no end token; 258 is half of "é" and a letter.
TOKENIZER: Any = SimpleNamespace(
    pieces=[*(bytes([byte]) for byte in range(256)), b"", b"", b"\xa9x"],
    raw=[*(bytes([byte]) for byte in range(256)), b"<end>", b"<special>", b"\xa9x"],
    ends=frozenset([END]),
)
CALL = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'
TEXTS = {
    "plain": "The sea is a vast body of water, and it is salty. ",
    "emoji": "👩‍👩‍👧 ok 🇩🇪🌊 ",
    "mixed": "naïve 日本 é👍🏽x\n\tß — “q”",
    "nothing": "",
}


def score(token: int) -> TokenScore:
    return TokenScore(token, -token / 8, [(token, -token / 8), (97, -50.0)])


def run(
    text: str | Sequence[int], reason: str = "stop", size: int = 1, dialect: str = "hermes", **wanted: Any
) -> tuple[ChoiceOutput, list[dict[str, Any]]]:
    """A choice whose tokens are the text's bytes, `size` tokens per step, with an end token if the model ends the
    text.
    """
    tokens = [*(text.encode() if isinstance(text, str) else text), *([END] if reason == "stop" else [])]
    output = ChoiceOutput(0, OutputOptions(**wanted), TOKENIZER, DIALECTS[dialect])
    events: list[dict[str, Any]] = []
    for at in range(0, max(len(tokens), 1), size):
        fresh = tokens[at : at + size]
        scores = [score(token) for token in fresh] if "logprobs" in wanted else None
        events += output.push(fresh, scores, reason if at + size >= len(tokens) else None)
        if output.over:
            break
    assert output.over
    assert events[-1]["type"] == "choice-end"
    assert all(event["choice"] == 0 for event in events)
    return output, events


def text_of(events: Sequence[dict[str, Any]], kind: str = "text-delta") -> str:
    return "".join(event["text"] for event in events if event["type"] == kind)


def entries_of(events: Sequence[dict[str, Any]], kind: str = "text-delta") -> list[dict[str, Any]]:
    assert all(len(event["logprobs"]) == event["tokens"] for event in events if "logprobs" in event)
    return [entry for event in events if event["type"] == kind for entry in event["logprobs"]]


def test_needs_the_standard_library_only() -> None:
    program = "import xim_generation.output.choice_output, xim_generation.chat.dialects"
    # Without site-packages, so no wheel can be imported.
    paths = [path for path in sys.path if path.endswith("/python")]
    environment = {"PYTHONPATH": os.pathsep.join(paths)}
    assert subprocess.run([sys.executable, "-S", "-c", program], env=environment, check=False).returncode == 0


@pytest.mark.parametrize("size", [1, 2, 7, 200])
@pytest.mark.parametrize("name", TEXTS)
def test_joined_deltas_are_the_text(name: str, size: int) -> None:
    output, events = run(TEXTS[name], size=size)
    assert text_of(events) == TEXTS[name]
    assert "\ufffd" not in text_of(events)
    assert output.output_tokens == len(TEXTS[name].encode()) + 1
    # The end token arrives in the step of the last delta, or in a step without a delta.
    assert sum(event["tokens"] for event in events[:-1]) <= output.output_tokens


@pytest.mark.parametrize("size", [1, 2, 7, 200])
def test_joined_tokens_are_the_text(size: int) -> None:
    output, events = run("naïve 日本 😀", size=size, logprobs=2)
    entries = entries_of(events)
    assert b"".join(bytes(entry["bytes"]) for entry in entries).decode() == text_of(events) == "naïve 日本 😀"
    assert entries[0] == {
        "id": 110,
        "token": "n",
        "bytes": [110],
        "logprob": -110 / 8,
        "top": [
            {"id": 110, "token": "n", "bytes": [110], "logprob": -110 / 8},
            {"id": 97, "token": "a", "bytes": [97], "logprob": -50.0},
        ],
    }
    # The end token has no text and no entry, but it counts.
    assert output.output_tokens == len(entries) + 1


def test_a_character_comes_whole_with_all_its_tokens() -> None:
    _, events = run("aé😀", logprobs=0)
    assert [(event["text"], event["tokens"]) for event in events[:-1]] == [("a", 1), ("é", 2), ("😀", 4)]
    _, events = run([97, 0xC3, 258], logprobs=0)
    assert [(event["text"], event["tokens"]) for event in events[:-1]] == [("a", 1), ("éx", 2)]
    # The second byte begins a new character; it is not part of the first byte's replacement character.
    _, events = run([0xC3, 0xC3, 0xA9], logprobs=0)
    assert [(event["text"], event["tokens"]) for event in events[:-1]] == [("\ufffd", 1), ("é", 2)]


def test_half_a_character_at_the_end_stays_out() -> None:
    assert text_of(run("so 👍".encode()[:-1], "length")[1]) == "so "


def test_bytes_that_are_no_character_come_out_as_replacements() -> None:
    tokens = b"a\xff\xfe\xff b \x80\x80 c"
    for size in (1, 2, 50):
        assert text_of(run(tokens, size=size)[1]) == tokens.decode("utf-8", "replace")


def test_a_special_token_has_no_text_and_no_entry() -> None:
    output, events = run([97, 257, 98, END, 99], "length", logprobs=0)
    assert text_of(events) == "abc"
    assert [entry["id"] for entry in entries_of(events)] == [97, 98, 99]
    assert output.output_tokens == 5


def test_logarithms_are_finite_and_not_positive() -> None:
    output = ChoiceOutput(0, OutputOptions(logprobs=0), TOKENIZER, DIALECTS["hermes"])
    scores = [TokenScore(97, float("-inf")), TokenScore(98, 1e-9)]
    assert [entry["logprob"] for entry in entries_of(output.push([97, 98], scores, "length"))] == [-9999.0, 0.0]


@pytest.mark.parametrize("size", [1, 2, 5, 200])
@pytest.mark.parametrize(("include", "expected"), [(False, "ab "), (True, "ab STOP")])
def test_tokens_of_a_stop_text_have_no_entries(size: int, include: bool, expected: str) -> None:
    output, events = run("ab STOP cd", size=size, stops=["STOP"], include_stop=include, logprobs=0)
    assert text_of(events) == "".join(entry["token"] for entry in entries_of(events)) == expected
    assert events[-1] == {"type": "choice-end", "choice": 0, "reason": "stop", "stop": "STOP"}
    assert output.output_tokens == len("ab STOP")


def test_text_before_a_stop_text_leaves_that_stop_text_s_tokens_out() -> None:
    # The whole text was held back for the longer stop text.
    _, events = run("STOPY", stops=["STOPX", "OPY"], logprobs=0)
    assert [(event["text"], event["tokens"]) for event in events[:-1]] == [("ST", 2)]


@pytest.mark.parametrize("length", [1, 2, 3, 7])
@pytest.mark.parametrize("name", ["plain", "emoji", "mixed"])
def test_a_stop_text_ends_the_choice_wherever_it_is(name: str, length: int) -> None:
    text = TEXTS[name]
    for at in range(len(text) - length):
        stop = text[at : at + length]
        for size in (1, 5):
            _, events = run(text, size=size, stops=["never to be seen", stop])
            assert text_of(events) == text[: text.index(stop)]
            assert events[-1]["stop"] == stop


def test_a_stop_text_may_be_held_at_the_end() -> None:
    text = TokenText(["STOP"])
    assert [text.push(bytes([byte])) for byte in b"aSTOb"] == ["a", "", "", "", "STOb"]
    assert text.push(b"ST") == ""
    assert text.held == 2
    assert (text.finish(), text.held) == ("ST", 0)
    assert text_of(run("so ST", "length", stops=["STOP"])[1]) == "so ST"
    # After "aab" fails at its third letter, the second "a" may still begin a new match.
    assert text_of(run("xaaab rest", stops=["aab"])[1]) == "xa"
    assert text_of(run("words", stops=[""])[1]) == "words"


@pytest.mark.parametrize("size", [1, 3, 200])
def test_calls_stand_for_no_tokens(size: int) -> None:
    _, events = run(f"So:\n{CALL}", size=size, tools=True, logprobs=0)
    assert text_of(events) == "So:"
    calls = [event for event in events if event["type"].startswith("tool-call")]
    assert calls[0]["name"] == "f"
    assert "".join(event["arguments"] for event in calls[1:]) == '{"a": 1}'
    assert all("tokens" not in event for event in calls)
    assert events[-1]["reason"] == "tool-calls"
    assert [entry["token"] for entry in entries_of(events)] == ["S", "o", ":"]


def test_tokens_of_calls_are_not_given_to_the_text_after_them() -> None:
    _, events = run(f"{CALL} yes", tools=True)
    # Held-back white space is sent with the text that releases it.
    assert sum(event.get("tokens", 0) for event in events) == len(" yes")


@pytest.mark.parametrize("size", [1, 3, 200])
def test_one_call_ends_the_choice(size: int) -> None:
    output, events = run(f"{CALL}\n{CALL}\nmore", "length", size, tools=True, single=True)
    assert sum(event["type"] == "tool-call" for event in events) == 1
    assert text_of(events) == ""
    assert events[-1]["reason"] == "tool-calls"
    assert output.output_tokens == len(CALL)


def test_a_cut_call_ends_by_length() -> None:
    _, events = run(CALL[:-20], "length", tools=True)
    assert events[-1]["reason"] == "length"
    assert events[0]["type"] == "tool-call"


@pytest.mark.parametrize("size", [1, 2, 40])
def test_thoughts_are_counted_and_told_apart(size: int) -> None:
    output, events = run("<think>\nhm hm\n</think>\n\nYes.", size=size, thinks=True, logprobs=0)
    assert text_of(events, "reasoning-delta") == "hm hm"
    assert text_of(events) == "Yes."
    assert "".join(entry["token"] for entry in entries_of(events)) == "Yes."
    assert output.reasoning_tokens == len("\nhm hm\n</think>")


def test_a_prompt_is_echoed_with_its_probabilities() -> None:
    output = ChoiceOutput(0, OutputOptions(logprobs=1), TOKENIZER, DIALECTS["hermes"])
    echo = output.echo("Hi", [72, 105], [TokenScore(105, -2.0, [(97, -1.0)])])
    assert (echo["type"], echo["choice"], echo["text"], echo["tokens"]) == ("text-delta", 0, "Hi", 0)
    assert [(entry["token"], entry["logprob"]) for entry in echo["logprobs"]] == [("H", None), ("i", -2.0)]
    assert echo["logprobs"][0]["top"] == []
    assert echo["logprobs"][1]["top"] == [{"id": 97, "token": "a", "bytes": [97], "logprob": -1.0}]
    assert "logprobs" not in output.echo("Hi", [72, 105], None)
    assert output.output_tokens == 0


def test_a_space_before_the_output_may_be_the_tokenizer_s() -> None:
    _, events = run(" a b", strips=True, logprobs=0)
    assert text_of(events) == "".join(entry["token"] for entry in entries_of(events)) == "a b"
    assert text_of(run(" a b")[1]) == " a b"


@pytest.mark.parametrize(
    ("text", "reason", "stops", "expected"),
    [
        ("ok", "stop", [], "stop"),
        ("no", "stop", [], "length"),
        ("no", "length", [], "length"),
        ("noX", "stop", ["X"], "stop"),
    ],
)
def test_a_finished_output_is_checked(text: str, reason: str, stops: list[str], expected: str) -> None:
    _, events = run(text, reason, stops=stops, check=lambda output: output == "ok")
    assert events[-1]["reason"] == expected


@pytest.mark.parametrize("seed", range(60))
def test_steps_of_any_size_give_the_same_output(seed: int) -> None:
    chance = random.Random(seed)
    parts = ["<think>", "hm", "</think>", "\n", CALL, "é😀", "STO", "STOP", " ", "text", "<tool_call>", "{"]
    text = "".join(chance.choices(parts, k=chance.randrange(1, 9)))
    wanted: dict[str, Any] = {"thinks": True, "tools": True, "stops": chance.choice([[], ["STOP"]]), "logprobs": 0}
    outputs = []
    for size in (1, 2, 3, 11, 1000):
        output, events = run(text, size=size, **wanted)
        said = [(event["name"] if "name" in event else event.get("arguments")) for event in events if "call" in event]
        outputs.append(
            (
                text_of(events),
                text_of(events, "reasoning-delta"),
                "".join(map(str, said)),
                [entry["id"] for entry in entries_of(events)],
                output.output_tokens,
                output.reasoning_tokens,
                events[-1],
            )
        )
    assert all(other == outputs[0] for other in outputs)
