import json
import random
import re

import pytest
from grammar_oracle import Grammar
from xim_engine_oneapi.grammar import format_grammar
from xim_engine_oneapi.grammar.nodes import Rules
from xim_engine_oneapi.grammar.regex import found_in, matcher, whole
from xim_engine_oneapi.grammar.schema import to_rules
from xim_worker import InvalidInput

UNSUPPORTED, INVALID = "XIM_UNSUPPORTED_PARAMETER", "XIM_INVALID_INPUT"

# Patterns that Python reads as ECMA-262 does.
PATTERNS = [
    "abc",
    "a|bc|",
    "[a-c]+",
    "[^a-c\\n]{2,4}",
    "a*?b+?c??",
    "(ab){2}",
    "(?:x|y){0,3}z",
    "(a)",
    "\\d{3}-\\d{4}",
    "\\w+\\.",
    "[\\w.-]+@[\\w-]+",
    "\\x41\\u0042[\\x61-\\u0063]",
    "\\t\\n\\.\\*\\\\",
    "[\\]\\-\\\\^]",
    "[-a]",
    "[a-]",
    "^a|b$",
    "^(a|b)$",
    "(^a|b$)",
    "(?:^a|^b)c$",
    "^a(b$|c$)",
    "(^|x)a($|y)",
    "^^a$$",
    "a{2}",
    "a{2,}",
    "x{y",
    "[\"'/]",
    ".",
    "..?",
    "",
    "^$",
    "$",
    "é+",
    "[😀-😂]",
    "((a|b)*c)+",
]
ALPHABET = "abcxyzABC012-.@_\\\"'/ \n\té😀😁]^{},*"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_matches_what_another_engine_matches(pattern: str) -> None:
    chance = random.Random(3)
    search, full = matcher(pattern, "p"), Grammar(whole(pattern, "p"), {})
    inside, other = Grammar(found_in(pattern, "p"), {}), re.compile(pattern.replace("$", "\\Z"), re.ASCII)
    for _ in range(200):
        text = "".join(chance.choice(ALPHABET) for _ in range(chance.randint(0, 6)))
        assert search(text) == inside.matches(text) == bool(other.search(text)), text
        assert full.matches(text) == bool(other.fullmatch(text)), text
        assert other.fullmatch(full.random_text(chance))
        assert other.search(inside.random_text(chance))


@pytest.mark.parametrize(
    ("pattern", "position", "code"),
    [
        ("a(?=b)", 1, UNSUPPORTED),
        ("a(?!b)", 1, UNSUPPORTED),
        ("(?<=a)b", 0, UNSUPPORTED),
        ("(?<!a)b", 0, UNSUPPORTED),
        ("(?i:a)", 1, UNSUPPORTED),
        ("(a)\\1", 3, UNSUPPORTED),
        ("(?<n>a)\\k<n>", 7, UNSUPPORTED),
        ("\\bword", 0, UNSUPPORTED),
        ("\\p{L}", 1, UNSUPPORTED),
        ("a{1,99999}", 10, UNSUPPORTED),
        ("a^b", None, UNSUPPORTED),
        ("(a$|b)c", None, UNSUPPORTED),
        ("(a", 0, INVALID),
        ("a)", 1, INVALID),
        ("[a", 1, INVALID),
        ("*a", 0, INVALID),
        ("a**", 2, INVALID),
        ("[b-a]", 4, INVALID),
        ("a{3,2}", 6, INVALID),
        ("\\", 1, INVALID),
        ("\\y", 1, INVALID),
        ("\\u12", None, INVALID),
        ("\\ud800", None, INVALID),
        ("^*", 2, INVALID),
        ("(" * 100 + ")" * 100, None, INVALID),
    ],
)
def test_refused_with_its_position(pattern: str, position: int | None, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        format_grammar({"type": "regex", "pattern": pattern})
    assert (refused.value.param, refused.value.code) == ("format.pattern", code)
    assert position is None or f"position {position}" in str(refused.value)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(InvalidInput, match="half a character"):
        format_grammar({"type": "regex", "pattern": "\ud800"})


def test_a_match_takes_linear_time() -> None:
    assert not matcher("(a*)*(a|aa)+$", "p")("a" * 2000 + "b")


def test_characters_are_escaped_in_json() -> None:
    rules = Rules()
    grammar = Grammar(to_rules({"type": "string", "pattern": '^["\\\\/\\n\\té]{6}$'}, "s", rules), rules.bodies)
    assert grammar.matches('"\\"\\\\/\\n\\té"')
    assert not grammar.matches('"""\\\\/\\n\\té"')
    assert len(json.loads(grammar.random_text(random.Random(1)))) == 6
