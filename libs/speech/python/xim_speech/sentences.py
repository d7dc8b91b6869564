"""Splits spoken text into sentences, and a sentence into clauses. Each clause is phonemized alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import sentencex

# In characters. A sentence is the unit of work and of turns, and a client waits for one sentence until the first sound.
LONGEST = 250
_QUOTES = re.compile(r"[\"“”„‟«»‹›`*_\\|^{}\[\]]+")
_PAUSE = re.compile(r"\s+[–—―-]+\s+|[–—―]+|[()]+")
_ELLIPSIS = re.compile(r"…|\.{2,}")
# The dot of `Dr. Smith`. The dots of `U.S.` and `p.m.` stay, since espeak-ng knows these words.
_INNER_DOT = re.compile(r"(?<!\.\w)\.(?=\s)")
_CLAUSE = re.compile(r"(?:[,;:!?。，、；：！？؟،؛।]|(?<!\.\w)\.)+(?=\s|$)|[。，、；：！？]+")
_MARKS = str.maketrans("。，、；：！？؟،؛।", ".,,;:!??,;.")


@dataclass(frozen=True)
class Clause:
    text: str
    mark: str
    """One of `, ; : . ! ?`, which sets the pause and the intonation."""


def split_sentences(text: str, language: str) -> Iterator[str]:
    """Yields the sentences of a text. A sentence with more than `LONGEST` characters is cut at its pauses."""
    for paragraph in text.split("\n\n"):
        for sentence in sentencex.segment(language, paragraph):
            yield from _cut(sentence.strip())


def _cut(sentence: str) -> Iterator[str]:
    """Cuts at the last pause within the limit, else at the last space, else at the limit."""
    while len(sentence) > LONGEST:
        head = sentence[: LONGEST + 1]
        pauses = [match.end() for match in re.finditer(r"[,;:，、；：](?=\s)|[–—，、；：]", head[:LONGEST])]
        at = next((end for end in reversed(pauses) if end > LONGEST // 4), 0) or head.rfind(" ") or LONGEST
        if at <= 0:
            at = LONGEST
        yield sentence[:at].strip()
        sentence = sentence[at:].strip()
    if sentence:
        yield sentence


def split_clauses(sentence: str) -> list[Clause]:
    """The clauses of a sentence, without empty clauses. The last clause has the mark of the sentence."""
    text = _ELLIPSIS.sub(",", _PAUSE.sub(", ", _QUOTES.sub(" ", sentence)))
    text = text.rstrip()
    end = len(text.rstrip(".,;:!?。，、；：！？؟،؛।"))
    text = _INNER_DOT.sub("", text[:end]) + text[end:]
    clauses: list[Clause] = []
    start = 0
    for match in _CLAUSE.finditer(text):
        _add(clauses, text[start : match.start()], _mark(match[0]))
        start = match.end()
    _add(clauses, text[start:], ".")
    if clauses and clauses[-1].mark in ",;:":
        clauses[-1] = Clause(clauses[-1].text, ".")
    return clauses


def _add(clauses: list[Clause], text: str, mark: str) -> None:
    text = " ".join(text.split())
    if text:
        clauses.append(Clause(text, mark))


def _mark(marks: str) -> str:
    """The strongest of several marks: `?!` is a question."""
    marks = marks.translate(_MARKS)
    return next(mark for mark in "?!.:;," if mark in marks)
