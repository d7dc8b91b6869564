from __future__ import annotations

import pytest
from xim_speech.sentences import LONGEST, Clause, split_clauses, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello. How are you? Fine!", ["Hello.", "How are you?", "Fine!"]),
        ("Dr. Smith left at nine P M. He was late.", ["Dr. Smith left at nine P M.", "He was late."]),
        ("One paragraph\n\nAnother one", ["One paragraph", "Another one"]),
        ("x", ["x"]),
        ("", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert list(split_sentences(text, "en")) == sentences


def test_a_long_sentence_is_cut_where_it_pauses_and_nothing_is_lost() -> None:
    text = "and so on, " * 100
    parts = list(split_sentences(text, "en"))
    assert max(map(len, parts)) <= LONGEST
    assert all(part.endswith(",") for part in parts)
    assert " ".join(parts) == text.strip()


@pytest.mark.parametrize("text", ["word " * 200, "x" * 1000, "日" * 1000, "," * 1000, ("y" * 240 + " ") * 5])
def test_whatever_is_long_is_cut(text: str) -> None:
    parts = list(split_sentences(text, "en"))
    assert max(map(len, parts)) <= LONGEST
    assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("sentence", "clauses"),
    [
        ("Hello, world!", [("Hello", ","), ("world", "!")]),
        ("Dr. Smith met J. Jones.", [("Dr Smith met J Jones", ".")]),
        ("The U.S. is big; so what?!", [("The U.S. is big", ";"), ("so what", "?")]),
        ("No mark at the end", [("No mark at the end", ".")]),
        ("It trails off...", [("It trails off", ".")]),
        ("Wait… what — now", [("Wait", ","), ("what", ","), ("now", ".")]),
        ('He said: "no (never)".', [("He said", ":"), ("no", ","), ("never", ".")]),
        ("好。你好！", [("好", "."), ("你好", "!")]),
        ("...", []),
        ("a comma,", [("a comma", ".")]),
    ],
)
def test_clauses(sentence: str, clauses: list[tuple[str, str]]) -> None:
    assert split_clauses(sentence) == [Clause(*clause) for clause in clauses]
