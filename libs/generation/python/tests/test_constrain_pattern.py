import json
import random
import re

import pytest
from shapes import format_shape, schema_shape
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
def test_matches_the_texts_that_another_engine_matches(pattern: str) -> None:
    chance = random.Random(3)
    whole = format_shape({"type": "regex", "pattern": pattern})
    inside = schema_shape({"type": "string", "pattern": pattern})
    other = re.compile(pattern.replace("$", "\\Z"), re.ASCII)
    for _ in range(60):
        text = "".join(chance.choice(ALPHABET) for _ in range(chance.randint(0, 6)))
        assert whole.matches(text) == bool(other.fullmatch(text)), text
        assert inside.matches(json.dumps(text, ensure_ascii=False)) == bool(other.search(text)), text
        found = whole.random_text(chance, 40)
        assert found is None or other.fullmatch(found)


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
        format_shape({"type": "regex", "pattern": pattern})
    assert (refused.value.param, refused.value.code) == ("format.pattern", code)
    assert position is None or f"position {position}" in str(refused.value)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(InvalidInput, match="half a character"):
        format_shape({"type": "regex", "pattern": "\ud800"})


def test_characters_are_escaped_in_json() -> None:
    shape = schema_shape({"type": "string", "pattern": '^["\\\\/\\n\\té]{6}$'})
    assert shape.matches('"\\"\\\\/\\n\\té"')
    assert not shape.matches('"""\\\\/\\n\\té"')
