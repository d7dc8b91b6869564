"""Forced alignment on emissions with known times, and on a fake model in the whole task."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from fake_models import events, load, segments_of, speak
from xim_transcription.alignment import Frames, align_tokens, time_words
from xim_transcription.models import RATE, Floats

BLANK, SEPARATOR = 0, 1
CHARACTERS = {letter: 2 + number for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ'")}
FRAME_SAMPLES = 320


def emission_of(path: list[int], certainty: float = 0.9) -> Floats:
    """Log probabilities in which the token of each frame is known: `[frames, characters]`."""
    size = 2 + len(CHARACTERS)
    chances = np.full((len(path), size), (1 - certainty) / (size - 1))
    chances[np.arange(len(path)), path] = certainty
    scores: Floats = np.log(chances).astype(np.float32)
    return scores


class SpelledModel:
    """Hears the same path in every sound."""

    languages: Sequence[str] = ("en",)
    characters: Mapping[str, int] = CHARACTERS
    blank = BLANK
    separator: int | None = SEPARATOR
    least_samples = 400

    def __init__(self, path: list[int]) -> None:
        self._path = path
        self.heard: list[int] = []

    def emit(self, samples: Floats) -> Floats:
        self.heard.append(len(samples))
        return emission_of(self._path)


def random_path(random: np.random.Generator) -> tuple[list[int], list[int], list[Frames]]:
    """Tokens, a path of frames in which each lasts 1 to 5 frames, and the frames of each token."""
    tokens = random.integers(1, 6, random.integers(1, 12)).tolist()
    path = [BLANK] * int(random.integers(0, 4))
    frames = []
    for before, token in itertools.pairwise([None, *tokens]):
        path += [BLANK] * int(random.integers(1 if token == before else 0, 4))
        frames.append(Frames(len(path), len(path) + int(random.integers(1, 6))))
        path += [token] * (frames[-1].end - frames[-1].begin)
    return tokens, path + [BLANK] * int(random.integers(0, 4)), frames


@pytest.mark.parametrize("seed", range(100))
def test_known_times_are_recovered_exactly(seed: int) -> None:
    tokens, path, frames = random_path(np.random.default_rng(seed))
    assert align_tokens(emission_of(path), tokens, BLANK) == frames


@pytest.mark.parametrize("seed", range(30))
def test_the_path_is_the_most_probable_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    tokens = random.integers(1, 3, random.integers(1, 4)).tolist()
    emission = np.log(random.dirichlet(np.ones(3), 6)).astype(np.float32)
    best: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(3), repeat=len(emission)):
        if [token for token, _ in itertools.groupby(path) if token != BLANK] == tokens:
            best[path] = float(emission[np.arange(len(path)), path].sum())
    found = align_tokens(emission, tokens, BLANK)
    if not best:
        assert found is None
        return
    assert found is not None
    chosen = [BLANK] * len(emission)
    for token, frames in zip(tokens, found, strict=True):
        chosen[frames.begin : frames.end] = [token] * (frames.end - frames.begin)
    assert best[tuple(chosen)] == pytest.approx(max(best.values()), abs=1e-4)


def test_too_few_frames_have_no_path() -> None:
    assert align_tokens(emission_of([2, 2]), [2, 2], BLANK) is None
    assert align_tokens(emission_of([2, 0, 2]), [2, 2], BLANK) == [Frames(0, 1), Frames(2, 3)]
    assert align_tokens(emission_of([2]), [2, 3], BLANK) is None
    assert align_tokens(np.zeros((0, 4), np.float32), [2], BLANK) is None
    assert align_tokens(emission_of([0, 0]), [], BLANK) is None


def spell(text: str, frames: int) -> list[int]:
    """Each letter takes `frames` frames, `_` stands for a blank."""
    return [token for letter in text for token in [{"_": BLANK, "|": SEPARATOR, **CHARACTERS}[letter]] * frames]


def segment_of(words: list[str], start: float, end: float) -> dict[str, Any]:
    each = [{"word": word, "start": start, "end": end, "probability": 0.5} for word in words]
    return {"start": start, "end": end, "text": "".join(words), "words": each}


def times_of(words: list[str], path: list[int], start: float = 0.0) -> tuple[list[tuple[float, float]], SpelledModel]:
    length = len(path) * FRAME_SAMPLES
    segment, model = segment_of(words, start, start + length / RATE), SpelledModel(path)
    time_words(segment, np.zeros(round(start * RATE) + length, np.float32), model)
    return [(round(word["start"], 4), round(word["end"], 4)) for word in segment["words"]], model


def test_words_get_the_times_of_their_letters_within_the_segment() -> None:
    found, model = times_of([" Ask", " not,"], spell("__ASK|NO_T_", 2), start=3.0)
    assert found == [(3.08, 3.2), (3.24, 3.4)]
    assert model.heard == [11 * 2 * FRAME_SAMPLES]


@pytest.mark.parametrize(
    ("words", "path", "expected"),
    [
        ([" a", " 12", " b"], "A____B", [(0.0, 0.02), (0.02, 0.1), (0.1, 0.12)]),
        ([" a", " 12", " 1234", " b"], "A______B", [(0.0, 0.02), (0.02, 0.06), (0.06, 0.14), (0.14, 0.16)]),
        ([" 7", " a", " 9"], "__A__", [(0.0, 0.04), (0.04, 0.06), (0.06, 0.1)]),
        ([" a", " 5", " b"], "A|B", [(0.0, 0.02), (0.02, 0.04), (0.04, 0.06)]),
    ],
)
def test_numbers_share_the_time_between_their_neighbours(
    words: list[str], path: str, expected: list[tuple[float, float]]
) -> None:
    assert times_of(words, spell(path, 1))[0] == expected


@pytest.mark.parametrize("seed", range(30))
def test_times_rise_and_stay_within_the_segment(seed: int) -> None:
    random = np.random.default_rng(seed)
    letters = [*CHARACTERS, "1", "é", "?", "中"]
    words = [" " + "".join(random.choice(letters, random.integers(1, 6))) for _ in range(random.integers(1, 12))]
    path = random.integers(0, 2 + len(CHARACTERS), 200).tolist()
    found, _ = times_of(words, path, start=1.0)
    flat = [time for word in found for time in word]
    assert flat == sorted(flat)
    assert flat[0] >= 1.0
    assert flat[-1] <= 5.0


@pytest.mark.parametrize(
    ("words", "path"), [([" 1", " 2"], "AB"), ([" abc", " de"], "AB"), ([], "AB")], ids=["digits", "short", "none"]
)
def test_a_segment_that_cannot_be_aligned_keeps_its_times(words: list[str], path: str) -> None:
    found, _ = times_of(words, spell(path, 1))
    assert found == [(0.0, 0.04)] * len(words)


@pytest.mark.parametrize(
    ("request_", "aligned"),
    [
        ({"language": "en", "words": True}, True),
        ({"language": "de", "words": True}, False),
        ({"language": "en", "words": True, "translate": True}, False),
        ({"language": "en"}, False),
    ],
)
def test_the_task_aligns_words_in_the_languages_of_the_model(request_: dict[str, Any], aligned: bool) -> None:
    path = spell("____WINDOW____", 5)
    model = SpelledModel(path)
    handler, _ = load(aligner=model)
    model.heard.clear()
    found = segments_of(events(handler, speak((2.8, 300.0)), **request_))
    assert bool(model.heard) == aligned
    if not aligned:
        return
    first, number = found[0]["words"]
    length = found[0]["end"] - found[0]["start"]
    assert first["start"] == pytest.approx(found[0]["start"] + length * 4 / 14, abs=0.002)
    assert first["end"] == pytest.approx(found[0]["start"] + length * 10 / 14, abs=0.002)
    assert (number["start"], number["end"]) == (first["end"], found[0]["end"])
