"""Assigns a speaker to every moment, word and segment."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from ..models import RATE
from ..speech import Span
from .cluster import Labels

_PER_SECOND = 100
_STEP = RATE // _PER_SECOND
# A word may lie this far outside speech: the times of recognition and voice activity differ slightly. In 10 ms.
_REACH = _PER_SECOND
# A shorter turn, in seconds, is a word at the border of two turns and joins the turn before.
_LEAST_TURN = 0.3


class Turns:
    """The speaker of every 10 ms of speech: the most frequent speaker of the clips around it."""

    def __init__(self, clips: Sequence[Span], labels: Labels, names: Sequence[str], samples: int) -> None:
        # An extra column, so that argmax also works without speakers.
        votes = np.zeros((samples // _STEP + 1, len(names) + 1), np.int32)
        for clip, label in zip(clips, labels, strict=True):
            votes[clip.begin // _STEP : clip.end // _STEP, label] += 1
        self._names = names
        # -1: no speech.
        self._speaker = np.where(votes.any(axis=1), votes.argmax(axis=1), -1)

    def speaker(self, begin: float, end: float) -> str | None:
        """The speaker of most of an interval in seconds, else of the nearest speech within a second, else None."""
        first, last = int(begin * _PER_SECOND), max(int(begin * _PER_SECOND) + 1, round(end * _PER_SECOND))
        inside = self._speaker[first:last]
        inside = inside[inside >= 0]
        if len(inside):
            return self._names[int(np.bincount(inside).argmax())]
        for reach in range(1, _REACH):
            for at in (first - reach, last - 1 + reach):
                if 0 <= at < len(self._speaker) and self._speaker[at] >= 0:
                    return self._names[int(self._speaker[at])]
        return None

    def split(self, segment: dict[str, Any]) -> list[dict[str, Any]]:
        """Adds speakers to a segment with words, and splits it where the speaker changes."""
        words = segment.get("words") or []
        for word in words:
            _set(word, self.speaker(word["start"], word["end"]))
        if not words:
            _set(segment, self.speaker(segment["start"], segment["end"]))
            return [segment]
        runs = _join_short([list(run) for _, run in groupby(words, key=lambda word: word.get("speaker"))])
        if len(runs) == 1:
            _set(segment, runs[0][0].get("speaker"))
            return [segment]
        # `tokens` cannot be divided between the parts; `logprobs` can, since they have the bytes of each token.
        whole = {key: value for key, value in segment.items() if key != "tokens"}
        chances = deque(segment.get("logprobs", ()))
        parts = []
        for run in runs:
            part = {**whole, "start": run[0]["start"], "end": run[-1]["end"], "words": run}
            part["text"] = "".join(word["word"] for word in run)
            if "logprobs" in segment:
                part["logprobs"] = _take(chances, None if run is runs[-1] else len(part["text"].encode()))
            _set(part, run[0].get("speaker"))
            parts.append(part)
        return parts


def _take(chances: deque[dict[str, Any]], size: int | None) -> list[dict[str, Any]]:
    """Takes the next tokens until they have `size` bytes; None takes the rest. Words end at the end of a token."""
    taken: list[dict[str, Any]] = []
    while chances and (size is None or size > 0):
        taken.append(chances.popleft())
        size = None if size is None else size - len(taken[-1]["bytes"])
    return taken


def _set(item: dict[str, Any], speaker: str | None) -> None:
    if speaker is not None:
        item["speaker"] = speaker


def _join_short(runs: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    joined: list[list[dict[str, Any]]] = []
    for run in runs:
        short = run[-1]["end"] - run[0]["start"] < _LEAST_TURN
        if joined and (short or joined[-1][0].get("speaker") == run[0].get("speaker")):
            for word in run:
                _set(word, joined[-1][0].get("speaker"))
            joined[-1] += run
        else:
            joined.append(run)
    return joined
