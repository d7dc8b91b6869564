from __future__ import annotations

import random
import re
from typing import Any

import pytest
from xim_generation.chat.dialects import DIALECTS, Dialect, choose_dialect, find_dialect
from xim_generation.chat.dialects.objects import to_short_id

ARGUMENTS = '{"place": "Basel", "days": [1, {"a": "}"}]}'
SCHEMAS = {"weather": {"properties": {"place": {"type": "string"}, "code": {"type": "string"}}}}
WEATHER = ("call", "weather", ARGUMENTS)
CLOCK = ("call", "clock", "{}")


def read(dialect: Dialect, pieces: list[str], **options: Any) -> list[tuple[str, ...]]:
    """Kinds and contents; adjacent pieces of one kind are joined."""
    parser = dialect.parser(**{"thinks": False, "inside": False, "tools": True, "schemas": SCHEMAS, **options})
    assert parser is not None
    events = [event for piece in pieces for event in parser.push(piece)] + parser.finish()
    found: list[tuple[str, ...]] = []
    calls = 0
    for event in events:
        if event["type"] == "tool-call":
            assert event["call"] == calls
            calls += 1
            found.append(("call", event["name"], ""))
        elif event["type"] == "tool-call-delta":
            assert event["call"] == calls - 1
            assert event["arguments"]
            found[-1] = (*found[-1][:2], found[-1][2] + event["arguments"])
        else:
            assert event["text"]
            kind = event["type"].removesuffix("-delta")
            if found and found[-1][0] == kind:
                found[-1] = (kind, found[-1][1] + event["text"])
            else:
                found.append((kind, event["text"]))
    assert parser.calls == calls
    assert not parser.holding
    return found


def llama(name: str, arguments: str) -> str:
    return f'{{"name": "{name}", "parameters": {arguments}}}'


def mistral(*calls: tuple[str, str]) -> str:
    listed = ", ".join(f'{{"name": "{name}", "arguments": {arguments}}}' for name, arguments in calls)
    return f"[TOOL_CALLS] [{listed}]"


def deepseek(*calls: str) -> str:
    inner = "\n".join(f"<｜tool▁call▁begin｜>{call}<｜tool▁call▁end｜>" for call in calls)
    return f"<｜tool▁calls▁begin｜>{inner}<｜tool▁calls▁end｜>"


def xml(name: str, **arguments: str) -> str:
    members = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in arguments.items())
    return f"<tool_call>\n<function={name}>\n{members}</function>\n</tool_call>"


COMMENTARY = f"<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{ARGUMENTS}"

CASES: dict[str, tuple[str, str, list[tuple[str, ...]]]] = {
    "llama text": ("llama3", "Just text, 1 < 2.\n", [("text", "Just text, 1 < 2.\n")]),
    "llama call": ("llama3", llama("weather", ARGUMENTS), [WEATHER]),
    "llama calls": ("llama3", f"{llama('weather', ARGUMENTS)}; {llama('clock', '{}')}\n", [WEATHER, CLOCK]),
    "llama with a type": (
        "llama3",
        f'{{"type": "function", "name": "weather", "parameters": {ARGUMENTS}}}',
        [WEATHER],
    ),
    "llama in another order": (
        "llama3",
        '{"parameters": {"a": 1}, "name": "f"}',
        [("call", "f", '{"a": 1}')],
    ),
    "llama without arguments": ("llama3", '{"name": "f"}', [("call", "f", "{}")]),
    "llama tag": (
        "llama3",
        f"So:\n<|python_tag|>{llama('weather', ARGUMENTS)}",
        [("text", "So:"), WEATHER],
    ),
    "llama JSON": ("llama3", '{"answer": {"name": "f"}}', [("text", '{"answer": {"name": "f"}}')]),
    "llama a name that is no text": ("llama3", '{"name": 7} x', [("text", '{"name": 7} x')]),
    "llama code": ("llama3", "<|python_tag|>print(1)", [("text", "<|python_tag|>print(1)")]),
    "llama cut in the name": ("llama3", '{"name": "wea', [("text", '{"name": "wea')]),
    "llama cut in the arguments": ("llama3", '{"name": "f", "parameters": {"a', [("call", "f", '{"a')]),
    "llama text after a call": ("llama3", llama("clock", "{}") + "\nDone.", [CLOCK, ("text", "Done.")]),
    "mistral text": ("mistral", "A [list] of [TOOLS]", [("text", "A [list] of [TOOLS]")]),
    "mistral call": ("mistral", mistral(("weather", ARGUMENTS)), [WEATHER]),
    "mistral calls": (
        "mistral",
        f"So:\n{mistral(('weather', ARGUMENTS), ('clock', '{}'))}",
        [("text", "So:"), WEATHER, CLOCK],
    ),
    "granite": (
        "granite",
        f"So:{mistral(('weather', ARGUMENTS), ('clock', '{}'))}".replace("[TOOL_CALLS]", "<|tool_call|>"),
        [("text", "So:"), WEATHER, CLOCK],
    ),
    "mistral no call": ("mistral", "[TOOL_CALLS] [1, 2]", [("text", "[TOOL_CALLS] [1, 2]")]),
    "mistral prose": ("mistral", "[TOOL_CALLS] are\nmarks {x}", [("text", "[TOOL_CALLS] are\nmarks {x}")]),
    "mistral cut": ("mistral", '[TOOL_CALLS][{"name": "f", "arguments": {"a', [("call", "f", '{"a')]),
    "mistral-args": (
        "mistral-args",
        f"So:[TOOL_CALLS]weather[ARGS]{ARGUMENTS}[TOOL_CALLS]clock[ARGS]{{}}",
        [("text", "So:"), WEATHER, CLOCK],
    ),
    "mistral-args with ids": ("mistral-args", "[TOOL_CALLS]clock[CALL_ID]a1b2c3d4e[ARGS]{}", [CLOCK]),
    "mistral-args without a mark": ("mistral-args", f"[TOOL_CALLS]weather{ARGUMENTS}", [WEATHER]),
    "mistral-args cut": ("mistral-args", "[TOOL_CALLS]clo", [("text", "[TOOL_CALLS]clo")]),
    "xml": ("qwen-xml", xml("weather", place="Basel"), [("call", "weather", '{"place": "Basel"}')]),
    "xml types": (
        "qwen-xml",
        xml("weather", place="7", days='[1, "a"]', more="two\nlines </tool_call>", code='"q"', on="true"),
        [
            (
                "call",
                "weather",
                '{"place": "7", "days": [1, "a"], "more": "two\\nlines </tool_call>", "code": "\\"q\\"", "on": true}',
            )
        ],
    ),
    "xml no arguments": ("qwen-xml", f"So:\n{xml('clock')}\n{xml('clock')}", [("text", "So:"), CLOCK, CLOCK]),
    "xml without the outer mark": ("qwen-xml", "<function=clock>\n</function> x", [CLOCK, ("text", " x")]),
    "xml text": ("qwen-xml", "a <tool_call> b <function", [("text", "a <tool_call> b <function")]),
    "xml broken": ("qwen-xml", "<tool_call>\n<function=a\nb", [("text", "<tool_call>\n<function=a\nb")]),
    "xml cut": ("qwen-xml", xml("f", a="1", b="2").partition("2")[0], [("call", "f", '{"a": 1')]),
    "deepseek-v3": (
        "deepseek-v3",
        "So:"
        + deepseek(
            f"function<｜tool▁sep｜>weather\n```json\n{ARGUMENTS}\n```", "function<｜tool▁sep｜>clock\n```json\n{}\n```"
        ),
        [("text", "So:"), WEATHER, CLOCK],
    ),
    "deepseek-v3 cut": (
        "deepseek-v3",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>clo",
        [("text", "<｜tool▁call▁begin｜>function<｜tool▁sep｜>clo")],
    ),
    "deepseek": (
        "deepseek",
        deepseek(f"weather<｜tool▁sep｜>{ARGUMENTS}", "clock<｜tool▁sep｜>{}"),
        [WEATHER, CLOCK],
    ),
    "deepseek no call": (
        "deepseek",
        deepseek("weather"),
        [("text", "<｜tool▁call▁begin｜>weather<｜tool▁call▁end｜>")],
    ),
    "harmony answer": (
        "harmony",
        "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Yes.",
        [("reasoning", "hm"), ("text", "Yes.")],
    ),
    "harmony call": (
        "harmony",
        f"<|channel|>analysis<|message|>hm<|end|><|start|>assistant{COMMENTARY}<|call|>",
        [("reasoning", "hm"), WEATHER],
    ),
    "harmony preamble": (
        "harmony",
        f"<|channel|>commentary<|message|>So:<|end|><|start|>assistant{COMMENTARY}",
        [("text", "So:"), WEATHER],
    ),
    "harmony recipient first": (
        "harmony",
        " to=functions.clock<|channel|>commentary json<|message|>{}<|call|>",
        [CLOCK],
    ),
    "harmony bare answer": ("harmony", '{"a": 1}', [("text", '{"a": 1}')]),
    "harmony cut": ("harmony", "<|channel|>anal", []),
}


@pytest.mark.parametrize("name", CASES)
def test_output_is_read_however_it_is_split(name: str) -> None:
    known, text, expected = CASES[name]
    dialect = DIALECTS[known]
    assert read(dialect, [text]) == expected
    assert read(dialect, list(text)) == expected
    for at in range(1, len(text)):
        assert read(dialect, [text[:at], text[at:]]) == expected


RUBBLE = {
    "hermes": ["<tool_call>", "</tool_call>", '{"name": "f", "arguments": {}}'],
    "llama3": ["<|python_tag|>", "; ", llama("weather", ARGUMENTS), '{"name": ', '"f"', ', "parameters": '],
    "mistral": ["[TOOL_CALLS]", "[", "]", ", ", '{"name": "f", "arguments": ', mistral(("clock", "{}"))],
    "mistral-args": ["[TOOL_CALLS]", "f", "[ARGS]", "[CALL_ID]", "{}"],
    "qwen-xml": ["<tool_call>", "</tool_call>", "<function=f>", "</function>", "<parameter=a>", "</parameter>", "<"],
    "deepseek": ["<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>", "f<｜tool▁sep｜>", "f", "{}"],
    "deepseek-v3": [deepseek("function<｜tool▁sep｜>f\n```json\n{}\n```"), "function<｜tool▁sep｜>f\n```json\n", "```"],
    "harmony": ["<|channel|>", "analysis", "final", "<|message|>", "<|end|>", "<|start|>", "<|call|>", " to=f", "<|"],
}


@pytest.mark.parametrize("seed", range(100))
@pytest.mark.parametrize("name", RUBBLE)
def test_no_text_breaks_a_stream(name: str, seed: int) -> None:
    chance = random.Random(seed)
    text = "".join(
        chance.choices([*RUBBLE[name], "\n", " ", "x", '{"a": "', '"', "}", "{", "é"], k=chance.randrange(1, 14))
    )
    whole = read(DIALECTS[name], [text])
    assert read(DIALECTS[name], list(text)) == whole, text
    for at in range(1, len(text)):
        assert read(DIALECTS[name], [text[:at], text[at:]]) == whole, (text, at)


def written(dialect: Dialect, calls: list[tuple[str, str]]) -> str:
    form = dialect.form
    return form.first + form.separator.join(form.begin + n + form.middle + a + form.end for n, a in calls) + form.last


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "qwen-xml"])
def test_a_required_call_is_read_back(name: str) -> None:
    dialect = DIALECTS[name]
    calls = [("weather", ARGUMENTS), ("clock", "{}")][: 2 if dialect.form.parallel else 1]
    expected = [("call", *call) for call in calls]
    assert read(dialect, [written(dialect, calls)], required=True) == expected
    assert read(dialect, [written(dialect, calls)], single=True) == expected[:1]


def test_a_required_call_with_elements_is_read_back() -> None:
    dialect = DIALECTS["qwen-xml"]
    text = written(dialect, [("weather", "<parameter=place>\nBasel\n</parameter>\n"), ("clock", "")])
    assert read(dialect, [text], required=True) == [("call", "weather", '{"place": "Basel"}'), CLOCK]


@pytest.mark.parametrize("name", DIALECTS)
def test_where_only_calls_may_come_a_cut_one_is_no_text(name: str) -> None:
    dialect = DIALECTS[name]
    text = dialect.form.first + dialect.form.begin
    for at in range(len(text) + 1):
        assert read(dialect, [text[:at]], required=True) == []


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "harmony"])
def test_thoughts_come_first(name: str) -> None:
    text = "<think>hm</think>\n\nYes."
    assert read(DIALECTS[name], list(text), thinks=True) == [("reasoning", "hm"), ("text", "Yes.")]
    assert DIALECTS[name].parser(thinks=False, inside=False, tools=False) is None


def test_without_tools_a_message_to_a_tool_is_text() -> None:
    assert read(DIALECTS["harmony"], [COMMENTARY], tools=False) == [("text", ARGUMENTS)]


def test_calls_of_mistral_have_nine_characters() -> None:
    parser = DIALECTS["mistral"].parser(thinks=False, inside=False, tools=True)
    assert parser is not None
    assert re.fullmatch("[A-Za-z0-9]{9}", parser.push(mistral(("clock", "{}")))[0]["id"])
    assert to_short_id("a1B2c3D4e") == "a1B2c3D4e"
    assert re.fullmatch("[A-Za-z0-9]{9}", to_short_id("call_1"))
    assert to_short_id("call_1") == to_short_id("call_1") != to_short_id("call_2")


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{{ messages }}", "hermes"),
        ("{{ messages }} [TOOL_CALLS]", "hermes"),
        ("{{ tools }} <tool_call>", "hermes"),
        ("{{ tools }} <tool_call> <function=f> <parameter=p>", "qwen-xml"),
        ("{{ tools }} <|tool_call|>", "granite"),
        ("{{ tools }} [TOOL_CALLS]", "mistral"),
        ("{{ tools }} [TOOL_CALLS] [ARGS]", "mistral-args"),
        ("{{ tools }} <｜tool▁call▁begin｜> ```json", "deepseek-v3"),
        ("{{ tools }} <｜tool▁call▁begin｜>", "deepseek"),
        ("{{ tools }} <|start_header_id|>", "llama3"),
        ("{{ tools }} <|channel|> <|message|>", "harmony"),
        ("{{ tools }}", "hermes"),
    ],
)
def test_a_template_tells_its_dialect(template: str, name: str) -> None:
    assert choose_dialect(template, set()).name == name


def test_a_template_tells_the_marks_of_thoughts() -> None:
    for template in ("{{ tools }} [TOOL_CALLS] [THINK]", "{{ messages }} [THINK]"):
        dialect = choose_dialect(template, set())
        assert dialect.thought == ("[THINK]", "[/THINK]")
        assert dialect.marks >= {"[THINK]", "[/THINK]"}
    assert choose_dialect("{{ tools }}", {"<|python_tag|>"}).name == "llama3"


def test_a_dialect_has_a_known_name() -> None:
    assert find_dialect("harmony") is DIALECTS["harmony"]
    with pytest.raises(ValueError, match="'x' is not a dialect; expected one of hermes, "):
        find_dialect("x")
