"""Finds the speakers of a recording: clips, groups and names."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import partial

import numpy as np

from ..models import RATE, Floats, VoiceEncoder
from ..recording import Recording
from ..speech import Span
from ..window_pool import Line
from .clips import read_clip, to_clips
from .cluster import Hints, Labels, group
from .turns import Turns

# Clips per job: about two seconds of computation on one core.
_BATCH = 64
_SOLID_SECONDS = 1.2
# The most clips that are grouped, as many as 20 minutes of speech have: the time grows with the square of the number.
_MOST_GROUPED = 3000
THRESHOLD = 0.375
"""Largest cosine distance of two voices that count as one speaker."""


def identify(
    recording: Recording,
    spans: Sequence[Span],
    voices: VoiceEncoder,
    line: Line,
    hints: Hints,
    threshold: float,
    known: Mapping[str, Floats],
) -> Generator[None, None, Turns]:
    """Finds the speakers of the spans. `known` maps names to unit vectors; other speakers are `SPEAKER_00` …"""
    clips = to_clips(spans)
    vectors = yield from embed(recording, clips, voices, line)
    labels = yield from line.result(line.submit(lambda: label(clips, vectors, threshold, hints)))
    return Turns(clips, labels, name(vectors, labels, threshold, known), recording.samples)


def label(clips: Sequence[Span], vectors: Floats, threshold: float, hints: Hints) -> Labels:
    """The group of each clip. Clips that are too short to identify a voice do not form groups.

    If there are too many clips, an even selection forms the groups. Every other clip joins the nearest group.
    """
    if not clips:
        return np.zeros(0, np.int64)
    solid = np.array([clip.end - clip.begin >= _SOLID_SECONDS * RATE for clip in clips], bool)
    if not solid.any():
        solid[:] = True
    chosen = np.flatnonzero(solid)
    solid[:] = False
    solid[chosen[:: -(-len(chosen) // _MOST_GROUPED)]] = True
    labels = np.zeros(len(clips), np.int64)
    labels[solid] = group(vectors[solid], threshold, hints)
    voices = [mean_voice(vectors[solid & (labels == label)]) for label in range(int(labels.max()) + 1)]
    labels[~solid] = (vectors[~solid] @ np.stack(voices).T).argmax(axis=1)
    return labels


def embed(
    recording: Recording, clips: Sequence[Span], voices: VoiceEncoder, line: Line
) -> Generator[None, None, Floats]:
    """The unit vectors of clips, `[clips, dimensions]`."""
    parts: list[Floats] = []
    for begin in range(0, len(clips), _BATCH):
        samples = np.stack([read_clip(recording, clip) for clip in clips[begin : begin + _BATCH]])
        parts.append((yield from line.result(line.submit(partial(voices.embed, samples)))))
        yield None
    return np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)


def mean_voice(vectors: Floats) -> Floats:
    mean = vectors.mean(axis=0)
    unit: Floats = mean / np.linalg.norm(mean)
    return unit


def name(vectors: Floats, labels: Labels, threshold: float, known: Mapping[str, Floats]) -> list[str]:
    """The name of each group: the nearest known speaker within the threshold, else a number.

    A known speaker names only one group.
    """
    count = int(labels.max()) + 1 if len(labels) else 0
    voices = [mean_voice(vectors[labels == label]) for label in range(count)]
    pairs = sorted(
        (1 - float(voice @ reference), label, speaker)
        for label, voice in enumerate(voices)
        for speaker, reference in known.items()
    )
    named: dict[int, str] = {}
    for distance, label, speaker in pairs:
        if distance <= threshold and label not in named and speaker not in named.values():
            named[label] = speaker
    numbers = iter(range(count))
    return [named[label] if label in named else f"SPEAKER_{next(numbers):02}" for label in range(count)]
