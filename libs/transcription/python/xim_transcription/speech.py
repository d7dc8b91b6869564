"""Finds speech, and cuts it into windows.

Windows are cut in silence, or where the probability of speech is lowest. No sample is in two windows, so no word is
transcribed twice. Each window is transcribed alone: an error in one window does not spread, and several windows can run
at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .models import FRAME, RATE, Floats

# Speech begins at the threshold and ends this much below it. The values are those of Silero's example.
_HYSTERESIS = 0.15
_LEAST_SPEECH = 0.1
_WINDOW = 30.0
# In seconds. After longer silence inside a window Whisper tends to invent text.
_MOST_SILENCE = 5.0
_SMOOTH = 10


@dataclass(frozen=True)
class Activity:
    """The settings of voice activity."""

    threshold: float = 0.5
    """Lowest probability at which a frame is speech."""
    padding: float = 0.4
    """Seconds kept before and after speech, since consonants at its edges are quiet."""
    silence: float = 0.25
    """Seconds without speech that end a span."""


@dataclass(frozen=True)
class Span:
    """The samples from `begin` up to, not including, `end`."""

    begin: int
    end: int


def find_speech(probabilities: Floats, samples: int, activity: Activity = Activity()) -> list[Span]:
    """Spans of speech in a recording with `samples` samples. `probabilities` are those of the frames, `[frames]`."""
    spans: list[Span] = []
    begin: int | None = None
    silent_since: int | None = None
    for frame, probability in enumerate(probabilities):
        if probability >= activity.threshold:
            begin = frame if begin is None else begin
            silent_since = None
        elif begin is not None and probability < activity.threshold - _HYSTERESIS:
            silent_since = frame if silent_since is None else silent_since
            if (frame - silent_since) * FRAME >= activity.silence * RATE:
                spans.append(Span(begin * FRAME, silent_since * FRAME))
                begin = silent_since = None
    if begin is not None:
        end = len(probabilities) if silent_since is None else silent_since
        spans.append(Span(begin * FRAME, min(end * FRAME, samples)))
    return [span for span in spans if span.end - span.begin >= _LEAST_SPEECH * RATE]


def cut_windows(
    spans: Sequence[Span], probabilities: Floats, samples: int, activity: Activity = Activity()
) -> list[Span]:
    """Windows of at most 30 seconds that cover all spans, each with a little of the silence around it."""
    longest = round((_WINDOW - 2 * activity.padding) * RATE)
    windows: list[Span] = []
    for span in (piece for whole in spans for piece in _split(whole, probabilities, longest)):
        if windows:
            last = windows[-1]
            if span.end - last.begin <= longest and span.begin - last.end <= _MOST_SILENCE * RATE:
                windows[-1] = Span(last.begin, span.end)
                continue
        windows.append(span)
    edges = [0, *(edge for window in windows for edge in (window.begin, window.end)), samples]
    pad = round(activity.padding * RATE)
    # A window takes at most half of the silence between two windows, and all silence at the ends of the recording.
    shares = [1.0] + [0.5] * (len(windows) - 1) + [1.0]
    room = [int(min(pad, (edges[2 * at + 1] - edges[2 * at]) * shares[at])) for at in range(len(windows) + 1)]
    return [Span(w.begin - room[at], w.end + room[at + 1]) for at, w in enumerate(windows)] if windows else []


def overlap(spans: Sequence[Span], begin: float, end: float) -> float:
    """Seconds of speech between two times of the recording, in seconds."""
    return sum(max(0.0, min(span.end / RATE, end) - max(span.begin / RATE, begin)) for span in spans)


def _split(span: Span, probabilities: Floats, longest: int) -> Iterator[Span]:
    begin = span.begin
    while span.end - begin > longest:
        first, last = (begin + longest // 2) // FRAME, (begin + longest) // FRAME
        smooth = np.convolve(probabilities[first:last], np.ones(_SMOOTH) / _SMOOTH, "same")
        # The ends are left out: they are averages of fewer frames.
        cut = (first + _SMOOTH + int(smooth[_SMOOTH:-_SMOOTH].argmin())) * FRAME
        yield Span(begin, cut)
        begin = cut
    yield Span(begin, span.end)
