"""Grammars of clients, in both dialects."""

from __future__ import annotations

import pytest
from shapes import format_shape
from xim_worker import InvalidInput

GBNF = 'root ::= "a" word+\nword ::= " " [b-d]{2,3}\n'
LARK = 'start: "a" word+\nword: " " /[b-d]{2,3}/\n'


@pytest.mark.parametrize("grammar", [GBNF, LARK, '%llguidance {}\nstart: "a" / [b-d]{2,3}/+'])
def test_a_text_is_a_sentence_of_the_grammar(grammar: str) -> None:
    shape = format_shape({"type": "grammar", "grammar": grammar})
    for text in ("a bb", "a bcd dd"):
        assert shape.matches(text), text
    for text in ("", "a", "a b", "a bbe", "b bb"):
        assert not shape.matches(text), text


@pytest.mark.parametrize(
    "grammar", ["", "  ", "no grammar", "root ::= missing", "start: missing", "start: /(/", 'root ::= "a']
)
def test_a_text_that_is_no_grammar_is_refused(grammar: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        format_shape({"type": "grammar", "grammar": grammar})
    assert refused.value.param == "format.grammar"


def test_a_grammar_has_a_limit() -> None:
    with pytest.raises(InvalidInput, match="100000 characters"):
        format_shape({"type": "grammar", "grammar": 'root ::= "' + "a" * 100_000 + '"'})


def test_nesting_that_python_cannot_follow_is_refused() -> None:
    with pytest.raises(InvalidInput):
        format_shape({"type": "grammar", "grammar": "root ::= " + "(" * 20_000 + '"a"' + ")" * 20_000})
