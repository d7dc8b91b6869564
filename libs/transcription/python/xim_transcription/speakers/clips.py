"""Cuts spans of speech into clips, whose voices are compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..models import RATE, Floats
from ..recording import Recording
from ..speech import Span

SECONDS = 1.6
_HOP = 0.4
_LENGTH = round(SECONDS * RATE)


def to_clips(spans: Sequence[Span]) -> list[Span]:
    """The clips of each span; the last clip ends with the span. A span shorter than a clip is one clip."""
    clips: list[Span] = []
    for span in spans:
        last = span.end - _LENGTH
        if last <= span.begin:
            clips.append(span)
            continue
        clips += [Span(begin, begin + _LENGTH) for begin in range(span.begin, last, round(_HOP * RATE))]
        clips.append(Span(last, span.end))
    return clips


def read_clip(recording: Recording, clip: Span) -> Floats:
    """The samples of a clip, `[samples]`; a clip that is too short is repeated."""
    return fill(recording.read(clip.begin, clip.end))


def fill(samples: Floats) -> Floats:
    """Repeats or cuts samples to the length of a clip."""
    return np.resize(samples, _LENGTH)
