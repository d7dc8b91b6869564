"""Spoken text → sentences, and a sentence → the clauses that are phonemized each for itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import sentencex

# A sentence is the unit of work, of taking turns and of what a client waits for before it hears something.
LONGEST = 250
_QUOTES = re.compile(r"[\"“”„‟«»‹›`*_\\|^{}\[\]]+")
_PAUSE = re.compile(r"\s+[–—―-]+\s+|[–—―]+|[()]+")
_ELLIPSIS = re.compile(r"…|\.{2,}")
# The dot of `Dr. Smith`; those of `U.S.` and `p.m.` stay, since espeak-ng knows such words.
_INNER_DOT = re.compile(r"(?<!\.\w)\.(?=\s)")
_CLAUSE = re.compile(r"(?:[,;:!?。，、；：！？؟،؛।]|(?<!\.\w)\.)+(?=\s|$)|[。，、；：！？]+")
_MARKS = str.maketrans("。，、；：！？؟،؛।", ".,,;:!??,;.")


@dataclass(frozen=True)
class Clause:
    text: str
    mark: str
    """One of `, ; : . ! ?`: the pause and the tone after it."""


def split_sentences(text: str, language: str) -> Iterator[str]:
    """The sentences of a text, none longer than `LONGEST` characters; one that is longer is cut where it pauses."""
    for paragraph in text.split("\n\n"):
        for sentence in sentencex.segment(language, paragraph):
            yield from _cut(sentence.strip())


def _cut(sentence: str) -> Iterator[str]:
    """Cuts at the last pause that fits, else at the last space, else anywhere."""
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
    """The clauses of a sentence that have something to say; the last one ends as the sentence does."""
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
    """The one that weighs most of several: `?!` asks."""
    marks = marks.translate(_MARKS)
    return next(mark for mark in "?!.:;," if mark in marks)
