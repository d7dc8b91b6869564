"""Groups of voices, and the speaker of each word."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from fake_models import PitchVoices, events, load, segments_of, speak, to_wav
from xim_transcription.models import RATE, Floats
from xim_transcription.speakers.clips import to_clips
from xim_transcription.speakers.cluster import Hints, group
from xim_transcription.speakers.identify import label
from xim_transcription.speakers.turns import Turns
from xim_transcription.speech import Span
from xim_worker import InvalidInput


def voices(seed: int, count: int, speakers: int, noise: float) -> Floats:
    random = np.random.default_rng(seed)
    centres = random.normal(size=(speakers, 16))
    vectors = centres[random.integers(0, speakers, count)] + noise * random.normal(size=(count, 16))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def average_linkage(vectors: Floats, threshold: float, groups: int) -> set[frozenset[int]]:
    """Average linkage by its definition, from the table of all distances."""
    distances = 1 - vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    parts = [[at] for at in range(len(vectors))]
    while len(parts) > groups:
        pairs = itertools.combinations(range(len(parts)), 2)
        best, one, two = min((float(distances[np.ix_(parts[i], parts[j])].mean()), i, j) for i, j in pairs)
        if best > threshold:
            break
        parts[one] += parts.pop(two)
    return {frozenset(part) for part in parts}


def parts_of(labels: Any) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


@pytest.mark.parametrize("seed", range(8))
def test_groups_are_those_of_average_linkage(seed: int) -> None:
    vectors = voices(seed, 40, 4, 0.8)
    assert parts_of(group(vectors, 0.4)) == average_linkage(vectors, 0.4, 1)
    assert parts_of(group(vectors, 0.0, Hints(3, 3))) == average_linkage(vectors, 9, 3)


def test_of_very_many_clips_some_are_grouped_and_the_others_join_them() -> None:
    vectors = voices(5, 9000, 3, 0.1)
    clips = [Span(at * RATE, (at + 2) * RATE) for at in range(len(vectors))]
    labels = label(clips, vectors, 0.375, Hints())
    assert parts_of(labels) == parts_of(group(vectors, 0.375))


def test_hints_go_before_the_threshold() -> None:
    vectors = voices(1, 60, 4, 0.2)
    assert len(parts_of(group(vectors, 0.375))) == 4
    assert len(parts_of(group(vectors, 0.375, Hints(1, 2)))) == 2
    assert len(parts_of(group(vectors, 0.375, Hints(6, 9)))) == 6
    assert len(parts_of(group(vectors[:3], 2.0, Hints(5, 5)))) == 3


@pytest.mark.parametrize("count", [0, 1])
def test_one_vector_is_a_group_and_none_is_none(count: int) -> None:
    assert group(voices(0, 2, 1, 0.1)[:count], 0.4).tolist() == [0] * count


def test_groups_are_numbered_by_their_first_member() -> None:
    labels = group(voices(3, 50, 3, 0.1), 0.375).tolist()
    assert [labels.index(label) for label in range(3)] == sorted(labels.index(label) for label in range(3))


def test_clips_cover_a_span_and_end_with_it() -> None:
    clips = to_clips([Span(0, 3 * RATE), Span(4 * RATE, 5 * RATE)])
    assert clips[0].begin == 0
    assert clips[-2].end == 3 * RATE
    assert clips[-1] == Span(4 * RATE, 5 * RATE)
    assert {clip.end - clip.begin for clip in clips[:-1]} == {round(1.6 * RATE)}


def turns() -> Turns:
    """Speaker A from 0 to 2 seconds, speaker B from 2 to 4."""
    clips = [Span(0, 2 * RATE), Span(2 * RATE, 4 * RATE)]
    return Turns(clips, np.array([0, 1]), ["A", "B"], 6 * RATE)


def segment(*words: tuple[str, float, float]) -> dict[str, Any]:
    return {
        "start": words[0][1],
        "end": words[-1][2],
        "text": "".join(word for word, _, _ in words),
        "tokens": [1],
        "words": [{"word": word, "start": begin, "end": end, "probability": 1.0} for word, begin, end in words],
    }


def test_a_segment_is_split_where_another_speaker_goes_on() -> None:
    parts = turns().split(segment((" How", 1.0, 1.5), (" are", 1.5, 2.0), (" Fine", 2.1, 2.6), (" 9", 2.6, 3.0)))
    assert [(part["speaker"], part["text"], part["start"], part["end"]) for part in parts] == [
        ("A", " How are", 1.0, 2.0),
        ("B", " Fine 9", 2.1, 3.0),
    ]
    assert all("tokens" not in part for part in parts)
    assert [word["speaker"] for part in parts for word in part["words"]] == ["A", "A", "B", "B"]


def test_the_tokens_of_a_split_segment_go_with_their_words() -> None:
    whole = segment((" Hé", 1.0, 1.5), (" are", 1.5, 2.0), (" Fine", 2.1, 2.6), (" 9", 2.6, 3.0))
    spelled = (b" H", b"\xc3", b"\xa9", b" are", b" Fi", b"ne", b" 9")
    whole["logprobs"] = [{"id": at, "bytes": list(token), "logprob": -0.1} for at, token in enumerate(spelled)]
    parts = turns().split(whole)
    joined = [b"".join(bytes(chance["bytes"]) for chance in part["logprobs"]).decode() for part in parts]
    assert joined == [part["text"] for part in parts] == [" Hé are", " Fine 9"]


def test_a_word_at_the_border_does_not_make_a_turn() -> None:
    (part,) = turns().split(segment((" all", 1.0, 1.5), (" right", 1.8, 2.0), (".", 2.0, 2.1)))
    assert part["speaker"] == "A"
    assert part["tokens"] == [1]


def test_far_from_speech_there_is_no_speaker() -> None:
    assert turns().speaker(4.2, 4.4) == "B"
    assert turns().speaker(5.5, 5.6) is None
    (part,) = turns().split({"start": 5.5, "end": 5.6, "text": " Hm", "words": []})
    assert "speaker" not in part


LOW, HIGH, TOP = 150.0, 900.0, 3000.0
TALK = [(4.0, LOW), (0.5, 0.0), (4.0, HIGH), (0.5, 0.0), (4.0, LOW), (6.0, 0.0), (4.0, HIGH)]


def test_speakers_are_numbered_in_the_order_of_their_speech() -> None:
    handler, _ = load(voices=PitchVoices())
    found = segments_of(events(handler, speak(*TALK), speakers={}))
    assert found[0]["speaker"] == "SPEAKER_00"
    assert {part["speaker"] for part in found} == {"SPEAKER_00", "SPEAKER_01"}
    assert all("words" not in part for part in found)


def test_words_have_the_speakers_too() -> None:
    handler, _ = load(voices=PitchVoices())
    found = segments_of(events(handler, speak(*TALK), speakers={}, words=True))
    assert all(word["speaker"] == part["speaker"] for part in found for word in part["words"])


@pytest.mark.parametrize("count", [1, 2])
def test_a_number_of_speakers_is_obeyed(count: int) -> None:
    handler, _ = load(voices=PitchVoices())
    found = segments_of(events(handler, speak(*TALK), speakers={"count": count}))
    assert len({part["speaker"] for part in found}) == count


def test_known_speakers_have_their_names() -> None:
    handler, _ = load(voices=PitchVoices())
    known = [
        {"name": "Hana", "audio": {"bytes": to_wav(speak((2.0, HIGH)))}},
        {"name": "Tom", "audio": {"bytes": to_wav(speak((2.0, TOP)))}},
    ]
    found = segments_of(events(handler, speak(*TALK), speakers={"known": known}))
    assert {part["speaker"] for part in found} == {"SPEAKER_00", "Hana"}


def test_a_reference_without_speech_is_refused_by_its_place() -> None:
    handler, _ = load(voices=PitchVoices())
    known = [{"name": "Hana", "audio": {"bytes": to_wav(speak((2.0, 0.0)))}}]
    with pytest.raises(InvalidInput, match="'Hana' holds no speech") as error:
        events(handler, speak(*TALK), speakers={"known": known})
    assert error.value.param == "speakers.known.0.audio"


def test_silence_has_no_speakers() -> None:
    handler, _ = load(voices=PitchVoices())
    assert segments_of(events(handler, speak((3.0, 0.0)), speakers={"count": 2})) == []


def test_a_service_without_voices_refuses_to_tell_them_apart() -> None:
    handler, _ = load()
    with pytest.raises(InvalidInput, match="no model of voices") as error:
        events(handler, speak((1.0, LOW)), speakers={})
    assert error.value.code == "XIM_UNSUPPORTED_PARAMETER"


def test_what_is_wrong_with_speakers_is_told_before_the_first_event() -> None:
    handler, _ = load(voices=PitchVoices())
    bad: list[dict[str, Any]] = [{"count": 0}, {"known": [{"name": "Hana", "audio": {"bytes": b"no sound"}}]}]
    for speakers in bad:
        run = handler.run({"audio": {"bytes": to_wav(speak((1.0, LOW)))}, "speakers": speakers}, lambda: False)
        with pytest.raises(InvalidInput) as error:
            assert next(event for event in run if event is not None) is None
        assert error.value.param in ("speakers", "speakers.known.0.audio")


@pytest.mark.parametrize("speakers", [{"count": 0}, {"min": 3, "max": 2}, {"max": 0}])
def test_numbers_that_nobody_can_obey_are_refused(speakers: dict[str, int]) -> None:
    handler, _ = load(voices=PitchVoices())
    with pytest.raises(InvalidInput, match="expected at least 1"):
        events(handler, speak((1.0, LOW)), speakers=speakers)
