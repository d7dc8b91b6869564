"""Spans of speech and the cuts of windows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from xim_transcription.models import FRAME, RATE, Floats
from xim_transcription.speech import Span, cut_windows, find_speech, overlap


def probabilities(*parts: tuple[float, float]) -> tuple[Floats, int]:
    """Frames from pairs of (seconds, probability), and their number of samples."""
    frames = np.concatenate([np.full(round(seconds * RATE / FRAME), value) for seconds, value in parts])
    return frames.astype(np.float32), len(frames) * FRAME


def seconds(spans: list[Span]) -> list[tuple[float, float]]:
    return [(round(span.begin / RATE, 1), round(span.end / RATE, 1)) for span in spans]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(3, 0.0)], []),
        ([(1, 0.0), (2, 0.9), (1, 0.0)], [(1.0, 3.0)]),
        # Between the two thresholds speech continues, but does not begin.
        ([(1, 0.4), (1, 0.6), (1, 0.4), (1, 0.1)], [(1.0, 3.0)]),
        ([(1, 0.9), (0.1, 0.0), (1, 0.9)], [(0.0, 2.1)]),
        ([(1, 0.9), (0.5, 0.0), (1, 0.9)], [(0.0, 1.0), (1.5, 2.5)]),
        # A click is not speech.
        ([(1, 0.0), (0.06, 0.9), (1, 0.0)], []),
    ],
)
def test_speech_begins_and_ends_at_different_certainty(
    parts: list[tuple[float, float]], expected: list[tuple[float, float]]
) -> None:
    found = seconds(find_speech(*probabilities(*parts)))
    assert found == [pytest.approx(each, abs=0.11) for each in expected]


def cut(*parts: tuple[float, float]) -> tuple[list[Span], list[Span], int]:
    frames, samples = probabilities(*parts)
    spans = find_speech(frames, samples)
    return cut_windows(spans, frames, samples), spans, samples


def test_speech_that_is_near_shares_a_window() -> None:
    windows, _, _ = cut((1, 0.0), (5, 0.9), (2, 0.0), (5, 0.9), (9, 0.0))
    assert seconds(windows) == [pytest.approx((0.6, 13.4), abs=0.1)]


def test_a_long_silence_parts_windows() -> None:
    windows, _, _ = cut((3, 0.9), (6, 0.0), (3, 0.9))
    assert seconds(windows) == [pytest.approx((0.0, 3.4), abs=0.1), pytest.approx((8.6, 12.0), abs=0.1)]


def test_silence_has_no_window() -> None:
    assert cut((60, 0.0))[0] == []


def test_continuous_speech_is_cut_where_it_is_least_certain() -> None:
    windows, _, _ = cut((22, 0.99), (0.4, 0.6), (20, 0.99))
    assert [round(window.end / RATE) for window in windows] == [22, 42]


@pytest.mark.parametrize("seed", range(20))
def test_windows_hold_all_speech_once_and_are_never_too_long(seed: int) -> None:
    random = np.random.default_rng(seed)
    parts = [(random.exponential(6), value) for _ in range(60) for value in (0.0, random.uniform(0.5, 1))]
    windows, spans, samples = cut(*parts)
    assert windows[0].begin >= 0
    assert windows[-1].end <= samples
    assert all(window.end - window.begin <= 30 * RATE for window in windows)
    assert all(one.end <= two.begin for one, two in itertools.pairwise(windows))
    for span in spans:
        inside = sum(max(0, min(w.end, span.end) - max(w.begin, span.begin)) for w in windows)
        assert inside == span.end - span.begin


def test_overlap_is_in_seconds() -> None:
    spans = [Span(0, RATE), Span(2 * RATE, 3 * RATE)]
    assert overlap(spans, 0.5, 2.25) == pytest.approx(0.75)
    assert overlap(spans, 1.1, 1.9) == 0
