import json
import random
import re
from typing import Any

import pytest
from xim_generation.output.output_parser import OutputParser
from xim_generation.output.reasoning import ReasoningParser
from xim_generation.output.tool_calls import ToolCallParser


def split(text: str, seed: int) -> list[str]:
    """The text in pieces: single characters with seed 0, the whole text with seed 1."""
    if seed < 2:
        return [text] if seed else list(text)
    chance = random.Random(seed)
    pieces = []
    while text:
        count = chance.choice([1, 1, 2, 3, 7, 30])
        pieces.append(text[:count])
        text = text[count:]
    return pieces


def parse(text: str, seed: int, parser: Any = None) -> list[tuple[str, ...]]:
    """Kinds and contents; adjacent pieces of one kind are joined."""
    parser = parser or ToolCallParser()
    events = [event for piece in split(text, seed) for event in parser.push(piece)] + parser.finish()
    joined: list[tuple[str, ...]] = []
    calls = -1
    for event in events:
        kind = event["type"]
        if kind == "tool-call":
            calls += 1
            assert event["call"] == calls
            assert re.fullmatch("call_[A-Za-z0-9]{24}", event["id"])
            joined.append(("call", event["name"], ""))
        elif kind == "tool-call-delta":
            assert event["call"] == calls, "deltas belong to the last call"
            assert event["arguments"]
            joined[-1] = (*joined[-1][:2], joined[-1][2] + event["arguments"])
        else:
            assert event["text"]
            name = kind.removesuffix("-delta")
            if joined and joined[-1][0] == name:
                joined[-1] = (name, joined[-1][1] + event["text"])
            else:
                joined.append((name, event["text"]))
    return joined


def call(body: str) -> str:
    return f"<tool_call>\n{body}\n</tool_call>"


WEATHER = '{"name": "weather", "arguments": {"place": "Basel", "days": [1, {"a": "}"}]}}'
ARGUMENTS = '{"place": "Basel", "days": [1, {"a": "}"}]}'

CASES = {
    "no call": ("Just text, 1 < 2.\n", [("text", "Just text, 1 < 2.\n")]),
    "nothing": ("", []),
    "one call": (call(WEATHER), [("call", "weather", ARGUMENTS)]),
    "text before": (f"Let me see.\n{call(WEATHER)}\n", [("text", "Let me see."), ("call", "weather", ARGUMENTS)]),
    "two calls": (
        call(WEATHER) + "\n" + call('{"name": "clock", "arguments": {}}'),
        [("call", "weather", ARGUMENTS), ("call", "clock", "{}")],
    ),
    "text between": (
        f"{call(WEATHER)}\nand {call(WEATHER)} done",
        [("call", "weather", ARGUMENTS), ("text", "\nand"), ("call", "weather", ARGUMENTS), ("text", " done")],
    ),
    "tight": (f"<tool_call>{WEATHER}</tool_call>", [("call", "weather", ARGUMENTS)]),
    "escapes": (
        call(r'{"name": "s\u00e9\"t", "arguments": {"a": "\"}\\", "b": "</tool_call>"}}'),
        [("call", 'sé"t', r'{"a": "\"}\\", "b": "</tool_call>"}')],
    ),
    "spread out": (
        call('{\n  "name" : "f" ,\n  "arguments" : {\n "a": 1\n }\n}'),
        [("call", "f", '{\n "a": 1\n }')],
    ),
    "another order": (call('{"arguments": {"a": 1}, "name": "f"}'), [("call", "f", '{"a": 1}')]),
    "no arguments": (call('{"name": "f"}'), [("call", "f", "{}")]),
    "arguments as a text": (call('{"name": "f", "arguments": "{\\"a\\": 1}"}'), [("call", "f", '"{\\"a\\": 1}"')]),
    "arguments null": (call('{"name": "f", "arguments": null}'), [("call", "f", "null")]),
    "a bracket too few": (
        call('{"name": "f", "arguments": {"a": 1}') + "x",
        [("call", "f", '{"a": 1}'), ("text", "x")],
    ),
    "two brackets too few": (
        call('{"name": "f", "arguments": {"a": [1}') + "x",
        [("call", "f", '{"a": [1}'), ("text", "x")],
    ),
    "a bracket too many": (call('{"name": "f", "arguments": {"a": 1}}}}'), [("call", "f", '{"a": 1}')]),
    "an open quote": (
        call('{"name": "f", "arguments": {"a": "b}}') + "x",
        [("call", "f", '{"a": "b}}'), ("text", "x")],
    ),
    "not JSON": (call("weather(Basel)"), [("text", call("weather(Basel)"))]),
    "no name": (call('{"arguments": {}}'), [("text", call('{"arguments": {}}'))]),
    "a name that is no text": (call('{"name": 7, "arguments": {}}'), [("text", call('{"name": 7, "arguments": {}}'))]),
    "a broken name": (
        call('{"name": "\\x", "arguments": {}}'),
        [("text", call('{"name": "\\x", "arguments": {}}'))],
    ),
    "a call in a non-call": (
        "<tool_call>oh " + call(WEATHER),
        [("text", "<tool_call>oh"), ("call", "weather", ARGUMENTS)],
    ),
    "cut before the name": ('a <tool_call>\n{"name": "wea', [("text", 'a <tool_call>\n{"name": "wea')]),
    "cut in the arguments": (
        '<tool_call>\n{"name": "f", "arguments": {"place": "Ba',
        [("call", "f", '{"place": "Ba')],
    ),
    "cut in the mark": ("see <tool_ca", [("text", "see <tool_ca")]),
    "cut in the end mark": (call(WEATHER)[:-4], [("call", "weather", ARGUMENTS)]),
}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", CASES)
def test_calls_are_read_however_the_text_is_split(name: str, seed: int) -> None:
    text, expected = CASES[name]
    assert parse(text, seed) == expected


@pytest.mark.parametrize("seed", range(300))
def test_no_text_breaks_the_stream(seed: int) -> None:
    """Broken calls: every text gives the same events, independent of how it is split, and calls are in order."""
    chance = random.Random(seed)
    rubble = ["<tool_call>", "</tool_call>", "\n", '{"name": "f", "arguments": ', '{"a": "', '"', "}", "{", "x", "\\"]
    rubble += [" ", '{"name": "g"}', "[1, 2]", "<", "null", WEATHER, "é😀"]
    text = "".join(chance.choices(rubble, k=chance.randrange(1, 14)))
    whole = parse(text, 1)
    for other in (0, 2, 3, 4):
        assert parse(text, other) == whole, text


@pytest.mark.parametrize("seed", range(40))
def test_valid_calls_come_back(seed: int) -> None:
    chance = random.Random(seed)
    values: list[Any] = [
        "",
        'q"uo\\te',
        "</tool_call>",
        "\n</tool_call>",
        "{}[]",
        1.5,
        None,
        [],
        {"b": [{"c": "]"}]},
        "日本",
    ]
    calls = [
        (f"tool{n}", json.dumps({f"k{i}": chance.choice(values) for i in range(chance.randrange(4))}))
        for n in range(chance.randrange(1, 5))
    ]
    text = "\n".join(call(f'{{"name": "{name}", "arguments": {arguments}}}') for name, arguments in calls)
    assert parse(text, seed) == [("call", *each) for each in calls]


def test_arguments_are_passed_on_as_they_come() -> None:
    parser = ToolCallParser()
    assert [event["type"] for event in parser.push('<tool_call>\n{"name": "f", "arguments": {')] == [
        "tool-call",
        "tool-call-delta",
    ]
    assert parser.push('"a": 12')[0]["arguments"] == '"a": 12'
    assert (parser.calls, parser.complete) == (1, 0)
    parser.push("}}\n</tool_call>")
    assert (parser.calls, parser.complete) == (1, 1)


@pytest.mark.parametrize("seed", range(8))
def test_one_call_at_most(seed: int) -> None:
    text = f"So:\n{call(WEATHER)}\n{call(WEATHER)} and more"
    assert parse(text, seed, ToolCallParser(single=True)) == [("text", "So:"), ("call", "weather", ARGUMENTS)]


THOUGHTS = {
    "thinks and answers": (
        "<think>\nhm, 1 < 2?\n</think>\n\nYes.",
        False,
        [("reasoning", "hm, 1 < 2?"), ("text", "Yes.")],
    ),
    "begins inside": ("hm\n\nso\n</think>\n\nYes.\n", True, [("reasoning", "hm\n\nso"), ("text", "Yes.\n")]),
    "never closed": ("<think>hm, so", False, [("reasoning", "hm, so")]),
    "cut in the mark": ("<think>hm</thi", False, [("reasoning", "hm</thi")]),
    "empty": ("<think>\n\n</think>\n\nYes.", False, [("text", "Yes.")]),
    "no thought": ("\n <b> Yes.", False, [("text", "\n <b> Yes.")]),
    "a mark later on": ("Yes <think>no</think>", False, [("text", "Yes <think>no</think>")]),
    "marks after the thought": ("<think>a</think>b </think> c", False, [("reasoning", "a"), ("text", "b </think> c")]),
    "only a beginning": ("<thin", False, [("text", "<thin")]),
    "nothing": ("", True, []),
}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", THOUGHTS)
def test_reasoning_is_no_answer(name: str, seed: int) -> None:
    text, inside, expected = THOUGHTS[name]
    assert parse(text, seed, ReasoningParser(inside)) == expected


@pytest.mark.parametrize("seed", range(8))
def test_calls_are_looked_for_in_the_answer_only(seed: int) -> None:
    text = f"<think>I could {call(WEATHER)}</think>\n\nSo:\n{call(WEATHER)}"
    parser = OutputParser(ReasoningParser(False), ToolCallParser())
    expected = [("reasoning", f"I could {call(WEATHER)}"), ("text", "So:"), ("call", "weather", ARGUMENTS)]
    assert parse(text, seed, parser) == expected
    assert parser.calls == parser.complete_calls == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("<tool_c", []),
        ('<tool_call>\n{"na', []),
        ('<tool_call>\n{"name": "clock", "argum', []),
        ('<tool_call>\n{"name": "clock", "arguments": {"a', [("call", "clock", '{"a')]),
        (
            '<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>\n<tool_call>\n{"name": "c',
            [("call", "clock", "{}")],
        ),
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_where_only_calls_may_come_a_cut_one_is_no_text(text: str, expected: list[Any], seed: int) -> None:
    assert parse(text, seed, ToolCallParser(required=True)) == expected
