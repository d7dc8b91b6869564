"""Times of words by forced alignment: the most probable path of the text's characters through a CTC model's frames.

Sources of the method: Graves et al., "Connectionist temporal classification" (2006), for the lattice of characters with
blanks between them; torchaudio's tutorial "Forced alignment with Wav2Vec2" for its use on a known text.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .models import RATE, CharacterModel, Floats


@dataclass(frozen=True)
class Frames:
    """Frames of one token, `end` excluded."""

    begin: int
    end: int


def align_tokens(emission: Floats, tokens: Sequence[int], blank: int) -> list[Frames] | None:
    """The frames of each token on the most probable path (Viterbi), in order and without overlap.

    `emission` holds log probabilities, `[frames, characters]`. None if there are too few frames: every token takes
    one, and equal neighbours have a blank between them.
    """
    states = np.full(2 * len(tokens) + 1, blank)
    states[1::2] = tokens
    if not tokens or len(emission) == 0:
        return None
    scores = emission[:, states]
    # A path may leave out the blank between two different tokens.
    leaps = np.full(len(states), -np.inf)
    leaps[3::2] = np.where(states[3::2] == states[1:-2:2], -np.inf, 0)
    best = np.full(len(states), -np.inf)
    best[:2] = scores[0, :2]
    steps = np.zeros(scores.shape, np.int8)
    for frame in range(1, len(scores)):
        moves = np.full((3, len(states)), -np.inf)
        moves[0], moves[1, 1:], moves[2, 2:] = best, best[:-1], best[:-2] + leaps[2:]
        steps[frame] = moves.argmax(axis=0)
        best = moves.max(axis=0) + scores[frame]
    state = len(states) - 1 if best[-1] > best[-2] else len(states) - 2
    if not np.isfinite(best[state]):
        return None
    path = np.empty(len(scores), int)
    for frame in range(len(scores) - 1, -1, -1):
        path[frame] = state
        state -= steps[frame, state]
    places = [np.flatnonzero(path == 2 * number + 1) for number in range(len(tokens))]
    return [Frames(int(place[0]), int(place[-1]) + 1) for place in places]


def time_words(segment: dict[str, Any], samples: Floats, model: CharacterModel) -> None:
    """Replaces the times of the segment's words; they rise, do not overlap and stay within the segment.

    `samples` are those of the window, `[samples]`. A word without a character of the model, such as a number, shares
    the time between its neighbours. A segment that cannot be aligned keeps the times that it has.
    """
    words: list[dict[str, Any]] = segment.get("words") or []
    begin, end = (min(max(0, round(segment[name] * RATE)), len(samples)) for name in ("start", "end"))
    tokens, owners = _to_tokens([word["word"] for word in words], model)
    if not any(owner is not None for owner in owners) or end - begin < model.least_samples:
        return
    emission = model.emit(samples[begin:end])
    found = align_tokens(emission, tokens, model.blank)
    if found is None:
        return
    rate = (end - begin) / RATE / len(emission)
    known: dict[int, tuple[float, float]] = {}
    for owner, frames in zip(owners, found, strict=True):
        if owner is not None:
            first, _ = known.get(owner, (frames.begin * rate, 0.0))
            known[owner] = first, frames.end * rate
    for word, (start, stop) in zip(
        words, _fill([word["word"] for word in words], known, (end - begin) / RATE), strict=True
    ):
        word["start"], word["end"] = begin / RATE + start, begin / RATE + stop


def _to_tokens(words: Sequence[str], model: CharacterModel) -> tuple[list[int], list[int | None]]:
    """The tokens of a text, and the number of the word that owns each; a separator has no owner."""
    tokens: list[int] = []
    owners: list[int | None] = []
    for at, word in enumerate(words):
        found = [token for character in word for token in _token(character, model.characters)]
        if found and tokens and model.separator is not None and word[:1].isspace():
            tokens.append(model.separator)
            owners.append(None)
        tokens += found
        owners += [at] * len(found)
    return tokens, owners


def _token(character: str, characters: Mapping[str, int]) -> list[int]:
    """The token of a character in the case that the model has, or nothing."""
    return [characters[form] for form in (character, character.upper(), character.lower()) if form in characters][:1]


def _fill(words: Sequence[str], known: Mapping[int, tuple[float, float]], length: float) -> list[tuple[float, float]]:
    """Start and end of every word; words between two known ones share the gap by their numbers of characters."""
    times: list[tuple[float, float]] = []
    at = 0
    while at < len(words):
        if at in known:
            times.append(known[at])
            at += 1
            continue
        last = next((number for number in range(at, len(words)) if number in known), len(words))
        gap = times[-1][1] if times else 0.0, known[last][0] if last in known else length
        shares = np.cumsum([0, *(max(1, len(word.strip())) for word in words[at:last])])
        borders = gap[0] + (gap[1] - gap[0]) * shares / shares[-1]
        times += [(float(start), float(stop)) for start, stop in itertools.pairwise(borders)]
        at = last
    return times
