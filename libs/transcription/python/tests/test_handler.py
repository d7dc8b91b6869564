"""The whole task, with fake models."""

from __future__ import annotations

import os
import resource
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_models import LANGUAGES, events, load, segments_of, speak, to_wav
from xim_transcription.models import RATE
from xim_worker import InvalidInput

SPEECH = 300.0


def test_events_come_in_the_order_of_the_contract() -> None:
    handler, recogniser = load()
    found = events(handler, speak((3, SPEECH), (7, 0), (4, SPEECH), (7, 0), (2, SPEECH)), language="en")
    assert [event["type"] for event in found] == ["start", *["segment", "progress"] * 3, "end"]
    assert found[0] == {"type": "start", "duration": 23.0, "language": "en"}
    assert found[-1] == {"type": "end", "duration": 23.0, "language": "en"}
    assert [event["seconds"] for event in found if event["type"] == "progress"] == pytest.approx(
        [3.4, 14.4, 23.0], abs=0.1
    )
    assert [part["id"] for part in segments_of(found)] == [0, 1, 2]
    assert [part["start"] for part in segments_of(found)] == pytest.approx([0.0, 9.6, 20.6], abs=0.1)
    assert len(recogniser.readings) == 3


def test_segments_rise_and_stay_within_the_recording() -> None:
    handler, _ = load(threads=16)
    found = segments_of(events(handler, speak(*[(13.7, SPEECH), (0.6, 0)] * 9), words=True))
    times = [time for part in found for time in (part["start"], part["end"])]
    assert times == sorted(times)
    assert times[-1] <= 9 * 14.3
    words = [time for part in found for word in part["words"] for time in (word["start"], word["end"])]
    assert words == sorted(words)
    assert [part["text"] for part in found] == [f" Window {number}." for number in range(len(found))]


@pytest.mark.parametrize(("mebibytes", "options", "expected"), [(1, {}, 8), (600, {}, 2), (1, {"workers": 3}, 3)])
def test_a_thread_of_its_own_for_each_pass_of_a_small_model(
    tmp_path: Path, mebibytes: int, options: dict[str, Any], expected: int
) -> None:
    with (tmp_path / "model.bin").open("wb") as file:
        file.truncate(mebibytes * 2**20)
    _, recogniser = load(threads=8, folder=tmp_path, **options)
    assert recogniser.workers == expected


def test_silence_is_not_read() -> None:
    handler, recogniser = load()
    found = events(handler, speak((65, 0)), language="en")
    assert [event["type"] for event in found] == ["start", "end"]
    assert recogniser.readings == []


def test_without_voice_activity_everything_is_read() -> None:
    handler, recogniser = load()
    found = events(handler, speak((65, 0)), language="en", voiceActivity=False)
    assert len(segments_of(found)) == len(recogniser.readings)
    assert sum(recogniser.seconds) == pytest.approx(65.0)


def test_the_settings_of_voice_activity_are_kept() -> None:
    handler, recogniser = load()
    sound = speak((3, SPEECH), (7, 0), (4, SPEECH))
    events(handler, sound, language="en", voiceActivity={"padding": 0.0})
    assert sum(recogniser.seconds) == pytest.approx(7.0, abs=0.3)
    handler, recogniser = load()
    events(handler, sound, language="en", voiceActivity={"silence": 10.0})
    assert recogniser.seconds == pytest.approx([14.0], abs=0.3)


@pytest.mark.parametrize(("name", "value"), [("threshold", 1.5), ("padding", -1), ("silence", 100)])
def test_settings_beyond_their_range_are_refused(name: str, value: float) -> None:
    handler, _ = load()
    with pytest.raises(InvalidInput) as error:
        events(handler, speak((1, SPEECH)), voiceActivity={name: value})
    assert error.value.param == f"voiceActivity.{name}"


@pytest.mark.parametrize("logprobs", [True, False])
def test_probabilities_of_tokens_are_asked_of_every_window(logprobs: bool) -> None:
    handler, recogniser = load()
    events(handler, speak((3, SPEECH), (7, 0), (4, SPEECH)), language="en", logprobs=logprobs)
    assert [reading.logprobs for reading in recogniser.readings] == [logprobs] * 2


def test_hot_words_reach_every_window() -> None:
    handler, recogniser = load()
    events(handler, speak((3, SPEECH), (7, 0), (4, SPEECH)), language="en", hotwords=["Ostend", "Calais"])
    assert {reading.hotwords for reading in recogniser.readings} == {"Ostend, Calais"}


def test_speech_then_silence_adds_nothing() -> None:
    handler, recogniser = load()
    events(handler, speak((2, SPEECH), (3, 0)))
    assert recogniser.seconds == pytest.approx([2.4], abs=0.1)


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.6])
def test_a_very_short_clip_is_fine(seconds: float) -> None:
    handler, _ = load()
    found = events(handler, speak((seconds, SPEECH)))
    assert found[0]["duration"] == pytest.approx(seconds)
    assert found[-1]["type"] == "end"


def test_the_language_is_detected_where_it_is_not_given() -> None:
    handler, recogniser = load()
    found = events(handler, speak((3, SPEECH)))
    assert found[0] == {"type": "start", "duration": 3.0, "language": "de", "languageProbability": 0.9}
    assert recogniser.readings[0].language == "de"
    assert len(recogniser.readings) == 1


def test_an_uncertain_language_is_asked_of_more_windows() -> None:
    handler, recogniser = load()
    recogniser.certainty = 0.45
    found = events(handler, speak(*[(20, SPEECH), (6, 0)] * 5))
    assert found[0]["language"] == "en"
    assert found[0]["languageProbability"] == pytest.approx(0.55)


@pytest.mark.parametrize("language", ["xx", "english", "", "EN"])
def test_an_unknown_language_is_refused_with_the_known(language: str) -> None:
    handler, _ = load()
    with pytest.raises(InvalidInput, match=", ".join(LANGUAGES)) as error:
        events(handler, speak((1, SPEECH)), language=language)
    assert error.value.param == "language"


@pytest.mark.parametrize(
    ("given", "temperatures"),
    [
        ({}, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        ({"temperature": 0.0}, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        ({"temperature": 0.3}, (0.3,)),
    ],
)
def test_no_temperature_is_the_ladder(given: dict[str, float], temperatures: tuple[float, ...]) -> None:
    handler, recogniser = load()
    events(handler, speak((1, SPEECH)), **given)
    assert tuple(recogniser.readings[0].temperatures) == temperatures


@pytest.mark.parametrize("temperature", [-0.1, 1.1])
def test_a_temperature_beyond_the_range_is_refused(temperature: float) -> None:
    handler, _ = load()
    with pytest.raises(InvalidInput, match="expected 0 to 1"):
        events(handler, speak((1, SPEECH)), temperature=temperature)


def test_every_window_has_the_prompt_and_the_task() -> None:
    handler, recogniser = load()
    events(handler, speak((3, SPEECH), (7, 0), (4, SPEECH)), prompt="Dashwood", translate=True)
    assert [(reading.prompt, reading.translate) for reading in recogniser.readings] == [("Dashwood", True)] * 2


def test_words_are_a_list_exactly_when_they_are_asked_for() -> None:
    handler, _ = load()
    (plain,) = segments_of(events(handler, speak((1, SPEECH))))
    assert "words" not in plain
    (asked,) = segments_of(events(handler, speak((1, SPEECH)), words=True))
    assert [word["word"] for word in asked["words"]] == [" Window", " 1."]


def test_a_recording_that_is_too_long_is_refused() -> None:
    handler, recogniser = load(mostSeconds=10)
    with pytest.raises(InvalidInput, match="longer than 10 seconds"):
        events(handler, speak((11, SPEECH)))
    assert recogniser.readings == []


def test_what_is_no_recording_is_refused() -> None:
    handler, _ = load()
    with pytest.raises(InvalidInput, match="could not be read"):
        list(handler.run({"audio": {"bytes": b"<html>"}}, lambda: False))


def test_a_path_is_read_like_bytes(tmp_path: Path) -> None:
    handler, _ = load()
    path = tmp_path / "clip.mp3"
    path.write_bytes(to_wav(speak((3, SPEECH))))
    found = [event for event in handler.run({"audio": {"path": str(path)}}, lambda: False) if event]
    assert len(segments_of(found)) == 1


def test_a_call_that_is_cancelled_while_it_waits_is_told_to_the_runtime() -> None:
    handler, recogniser = load()
    recogniser.gate.clear()
    cancelled = threading.Event()
    run = handler.run({"audio": {"bytes": to_wav(speak((3, SPEECH)))}, "language": "en"}, cancelled.is_set)
    assert next(run) == {"type": "start", "duration": 3.0, "language": "en"}
    cancelled.set()
    # After this None the runtime closes the generator.
    assert next(run) is None
    run.close()
    recogniser.gate.set()
    # The worker is free for other calls at once, and computed nothing for the cancelled call.
    found = events(handler, speak((1, SPEECH)), language="en")
    assert len(segments_of(found)) == 1
    assert len(recogniser.readings) == 1


def test_a_call_that_is_cancelled_while_it_is_decoded_is_told_to_the_runtime() -> None:
    handler, recogniser = load()
    run = handler.run({"audio": {"bytes": to_wav(speak((30, SPEECH)))}}, lambda: True)
    assert next(run) is None
    run.close()
    assert recogniser.readings == []


def test_a_long_recording_gives_signs_of_life_while_it_is_decoded() -> None:
    handler, _ = load()
    run = handler.run({"audio": {"bytes": to_wav(np.zeros(150 * RATE, np.float32))}, "language": "en"}, lambda: False)
    assert [event and event["type"] for event in run] == [None, None, "start", None, None, "end"]


def test_nothing_is_left_open() -> None:
    handler, _ = load()
    events(handler, speak((3, SPEECH)))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        events(handler, speak((3, SPEECH)))
        run = handler.run({"audio": {"bytes": to_wav(speak((3, SPEECH)))}}, lambda: False)
        next(run)
        run.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_texts_of_windows_are_not_glued() -> None:
    handler, recogniser = load()

    def read(encoded: Any, reading: Any) -> list[dict[str, Any]]:
        chance = {"id": 7, "token": "Hello", "bytes": list(b"Hello"), "logprob": -0.5}
        return [{"start": 0.0, "end": 1.0, "text": "Hello", "logprobs": [chance]}]

    recogniser.read = read
    spoken = speak((3, SPEECH), (7, 0), (4, SPEECH))
    found = segments_of(events(handler, spoken, language="en"))
    assert [part["text"] for part in found] == ["Hello", " Hello"]
    assert [bytes(part["logprobs"][0]["bytes"]) for part in found] == [b"Hello", b" Hello"]
    assert [part["text"] for part in segments_of(events(handler, spoken, language="ja"))] == ["Hello", "Hello"]


def test_a_segment_outside_speech_is_left_out() -> None:
    handler, recogniser = load()

    def read(encoded: Any, reading: Any) -> list[dict[str, Any]]:
        return [{"start": 0.0, "end": 1.0, "text": " Hello"}, {"start": 2.5, "end": 4.0, "text": " Thank you."}]

    recogniser.read = read
    found = segments_of(events(handler, speak((1, SPEECH), (4, 0), (1, SPEECH)), language="en"))
    assert [part["text"] for part in found] == [" Hello"]


def test_an_hour_is_transcribed_in_the_memory_of_a_minute(tmp_path: Path) -> None:
    handler, recogniser = load()
    events(handler, speak((60, SPEECH)))
    path = tmp_path / "hour.wav"
    minute = to_wav(speak((50, SPEECH), (10, 0)))
    with path.open("wb") as file:
        # A streamed file: the data size in its header is unknown, and the RIFF size is that of the first minute.
        file.write(minute[:40] + b"\xff\xff\xff\xff" + minute[44:])
        for _ in range(59):
            file.write(minute[44:])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = [event for event in handler.run({"audio": {"path": str(path)}}, lambda: False) if event]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert found[0]["duration"] == pytest.approx(3600, abs=0.1)
    assert sum(recogniser.seconds) > 3000
    # An hour of samples is 225,000 KiB.
    assert grown < 40_000
