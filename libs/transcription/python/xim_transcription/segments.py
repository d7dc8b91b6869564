"""Joins the segments of windows to the segments of the recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .models import RATE
from .speech import Span, overlap

# Languages without spaces between words.
_UNSPACED = {"zh", "ja", "th", "lo", "my", "yue", "km", "bo"}
_LEAST_SPEECH = 0.05


class Segments:
    """Numbers segments and converts their times, which rise, do not overlap and stay within the recording.

    `spans` are the spans of speech. A segment outside them is invented by the model and is dropped; None keeps all.
    """

    def __init__(self, duration: float, language: str, spans: Sequence[Span] | None) -> None:
        self._duration = duration
        self._spaced = language not in _UNSPACED
        self._spans = spans
        self._count = 0
        self._end = 0.0

    def move(self, found: Sequence[dict[str, Any]], window: Span) -> Iterator[dict[str, Any]]:
        """Yields the segments of a window, with times of the recording in seconds. Windows must come in order."""
        for segment in found:
            offset = window.begin / RATE
            last = min(window.end / RATE, self._duration)
            segment["start"], segment["end"] = self._times(segment, offset, last)
            for word in segment.get("words") or []:
                word["start"], word["end"] = self._times(word, offset, last)
            if self._spans is not None and overlap(self._spans, segment["start"], segment["end"]) < _LEAST_SPEECH:
                continue
            self._end = segment["end"]
            yield segment

    def number(self, segment: dict[str, Any]) -> dict[str, Any]:
        if self._spaced and self._count > 0 and not segment["text"].startswith((" ", "\n")):
            segment["text"] = " " + segment["text"]
            # The joined tokens must equal the text.
            for first in segment.get("logprobs", [])[:1]:
                first.update(token=" " + first["token"], bytes=[0x20, *first["bytes"]])
        numbered = {"id": self._count, **segment}
        self._count += 1
        return numbered

    def _times(self, item: dict[str, Any], offset: float, last: float) -> tuple[float, float]:
        start = min(max(item["start"] + offset, self._end), last)
        return round(start, 3), round(min(max(item["end"] + offset, start), last), 3)
