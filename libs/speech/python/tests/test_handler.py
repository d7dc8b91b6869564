from __future__ import annotations

import io
import threading
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Bench, until, write_voice
from xim_worker import InvalidInput, StartError

OpenBench = Callable[..., Bench]
MAGIC = {
    "mp3": (b"\xff\xf3", "audio/mpeg"),
    "opus": (b"OggS", "audio/ogg"),
    "aac": (b"\xff\xf1", "audio/aac"),
    "flac": (b"fLaC", "audio/flac"),
    "wav": (b"RIFF", "audio/wav"),
}


def test_tells_what_it_speaks_with(bench: Bench) -> None:
    assert (bench.info.voices, bench.info.sample_rate, bench.info.slots) == (["tiny"], 24_000, 4)


def test_the_first_sentence_leaves_before_the_second_is_computed(bench: Bench) -> None:
    events = bench.stream("One sentence. And another. And a third.")
    start = next(events)
    assert start is not None and start["type"] == "start" and start["inputCharacters"] == 39
    assert len(bench.synthesizer.spoken) == 0
    audio = next(events)
    assert audio is not None and audio["type"] == "audio"
    assert len(bench.synthesizer.spoken) == 1


def test_a_sentence_leaves_in_pieces_of_half_a_second(bench: Bench) -> None:
    text = "A sentence that takes some seconds, since it is said slowly."
    events = [event for event in bench.stream(text, speed=0.5) if event is not None]
    seconds = [len(event["bytes"]) / 48_000 for event in events if event["type"] == "audio"]
    assert len(seconds) > 4
    assert max(seconds) < 0.6
    assert sum(seconds) == pytest.approx(events[-1]["duration"], abs=1e-3)


def test_the_second_sentence_is_begun_when_half_a_second_of_the_first_has_left(bench: Bench) -> None:
    events = bench.stream("A sentence that takes some seconds, since it is said slowly. And another one.", speed=0.5)
    first = [next(events), next(events)]
    assert [event and event["type"] for event in first] == ["start", "audio"]
    assert len(bench.synthesizer.spoken) == 1
    # The rest of the first sentence has not left.
    assert next(events) is not None
    until(lambda: len(bench.synthesizer.spoken) == 2)


def test_of_a_thousand_sentences_only_the_next_one_has_its_phonemes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    phonemized: list[str] = []
    phonemize: Callable[[str, Sequence[str]], list[str]] = bench.handler._phonemizer.phonemize

    def watched(voice: str, texts: Sequence[str]) -> list[str]:
        phonemized.extend(texts)
        return phonemize(voice, texts)

    monkeypatch.setattr(bench.handler._phonemizer, "phonemize", watched)
    # At this speed a sentence is one piece of sound.
    events = bench.stream(" ".join(f"Sentence {number} is here." for number in range(1000)), speed=4)
    next(events)
    assert (len(phonemized), len(bench.synthesizer.spoken)) == (1, 0)
    for spoken in range(1, 5):
        next(events)
        # From the second sentence on the next one is computed beside.
        expected = spoken if spoken == 1 else spoken + 1
        until(lambda expected=expected: len(bench.synthesizer.spoken) >= expected)
        assert (len(phonemized), len(bench.synthesizer.spoken)) == (spoken + 1, expected)
    assert [event["type"] for event in events if event is not None][-1] == "end"
    assert len(phonemized) == len(bench.synthesizer.spoken) == 1000


def test_whoever_leaves_costs_one_sentence(bench: Bench) -> None:
    # At this speed a sentence is one piece of sound.
    events = bench.stream("One. Two. Three.", speed=4)
    next(events)
    next(events)
    events.close()
    assert len(bench.synthesizer.spoken) == 1
    later = bench.stream("Four. Five. Six. Seven.", speed=4)
    for _ in range(3):
        next(later)
    later.close()
    bench.close()
    assert 3 <= len(bench.synthesizer.spoken) <= 4


def test_of_a_cancelled_call_nothing_is_computed(bench: Bench) -> None:
    gone = bench.handler.run({"text": "One. Two.", "format": "pcm"}, lambda: True)
    assert [event and event["type"] for event in gone] == ["start"]
    assert bench.synthesizer.spoken == []


@pytest.mark.parametrize("format", [*MAGIC, "pcm"])
def test_the_bytes_are_of_the_format(bench: Bench, format: str) -> None:
    data, start, end = bench.run("Some words. And more words.", format=format, seed=1)
    if format == "pcm":
        assert start["mediaType"] == "audio/pcm"
        assert len(data) / 48_000 == pytest.approx(end["duration"], abs=1e-3)
        # The last 10 ms are quiet.
        assert np.abs(np.frombuffer(data, "<i2")[-240:]).max() == 0
    else:
        magic, media_type = MAGIC[format]
        assert data.startswith(magic)
        assert start["mediaType"] == media_type
    assert bench.run("Some words. And more words.", format=format, seed=1)[0] == data


def test_a_wav_file_of_one_sentence_has_its_sizes_and_a_longer_one_the_mark_of_a_stream(bench: Bench) -> None:
    data, _, end = bench.run("One sentence.", format="wav")
    with wave.open(io.BytesIO(data)) as recording:
        assert recording.getnframes() * 2 == len(data) - 44
        assert recording.getnframes() / 24_000 == pytest.approx(end["duration"], abs=1e-3)
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    longer, _, _ = bench.run("One sentence. And another.", format="wav")
    assert longer[4:8] == longer[40:44] == b"\xff\xff\xff\xff"


@pytest.mark.parametrize("speed", [0.25, 0.5, 2, 4])
def test_speed_divides_the_duration(bench: Bench, speed: float) -> None:
    text = "Some words, and then some more of them. And a second sentence."
    duration = bench.run(text)[2]["duration"]
    assert bench.run(text, speed=speed)[2]["duration"] == pytest.approx(duration / speed, rel=0.03)


def test_seeds(bench: Bench) -> None:
    def spoken(**more: Any) -> bytes:
        data: bytes = bench.run("Some words. More words.", **more)[0]
        return data

    assert spoken(seed=7) == spoken(seed=7) != spoken(seed=8)
    assert spoken(seed=-1) == spoken(seed=-1) != spoken(seed=1)
    assert spoken() != spoken()
    assert [utterance.is_repeatable for utterance in bench.synthesizer.spoken[-4:]] == [False] * 4
    assert all(utterance.is_repeatable for utterance in bench.synthesizer.spoken[:-4])
    assert len({utterance.seed for utterance in bench.synthesizer.spoken[:2]}) == 2


def test_usage_counts_phonemes_and_frames(bench: Bench) -> None:
    _, start, end = bench.run("Some words. More words.")
    tokens = sum(len(utterance.ids) for utterance in bench.synthesizer.spoken)
    assert "inputTokens" not in start
    assert end["usage"] == {"inputTokens": tokens, "outputTokens": 2 * tokens}


@pytest.mark.parametrize("text", ["a", "9", "%", "x" * 1000, "日本", "Привет", "👋", "naïve", "<b>x</b>", "\x00a", "½"])
def test_speaks_whatever_has_a_sound(bench: Bench, text: str) -> None:
    assert bench.run(text)[2]["duration"] > 0


@pytest.mark.parametrize("text", ["", " ", "...", "?!", "\n\n", "\x00\u200b", "<b></b>", "\ud800", "—", "“”", "🏻"[:0]])
def test_refuses_what_has_none(bench: Bench, text: str) -> None:
    with pytest.raises(InvalidInput, match="nothing to speak") as refusal:
        bench.run(text)
    assert refusal.value.param == "text"


@pytest.mark.parametrize(
    ("param", "more"),
    [
        ("voice", {"voice": "nobody"}),
        ("format", {"format": "ogg"}),
        ("speed", {"speed": 0}),
        ("speed", {"speed": 4.01}),
        ("speed", {"speed": float("nan")}),
        ("seed", {"seed": 1.5}),
        ("instructions", {"instructions": "Whisper."}),
    ],
)
def test_refuses_by_name(bench: Bench, param: str, more: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        bench.run("Hello.", **more)
    assert refusal.value.param == param
    assert bench.synthesizer.spoken == []


def test_calls_take_turns_sentence_by_sentence(bench: Bench) -> None:
    gate = bench.synthesizer.gate = threading.Event()
    started = threading.Semaphore(0)

    def speak(text: str, speed: float) -> None:
        for event in bench.stream(text, speed=speed):
            if event is not None and event["type"] == "start":
                started.release()

    long = threading.Thread(target=speak, args=("One. Two. Three. Four. Five. Six.", 0.5))
    long.start()
    assert started.acquire(timeout=30)
    until(lambda: bool(bench.synthesizer.spoken))  # the long text has the turn and waits for the gate
    short = threading.Thread(target=speak, args=("Short.", 1))
    short.start()
    assert started.acquire(timeout=30)
    turns = bench.handler._turns
    until(lambda: bool(turns.waiting))
    gate.set()
    long.join()
    short.join()
    assert [utterance.pace for utterance in bench.synthesizer.spoken] == [2, 1, 2, 2, 2, 2, 2]


def test_voices_of_several_files_and_speakers(tmp_path: Path, open_bench: OpenBench) -> None:
    write_voice(tmp_path, "one")
    write_voice(tmp_path, "many", num_speakers=3, speaker_id_map={"anna": 1, "bert": 0, "carl": 2})
    write_voice(tmp_path, "german", espeak={"voice": "de"})
    bench = open_bench(voices=["one", "many", "german"])
    assert bench.info.voices == ["one", "many", "many/bert", "many/anna", "many/carl", "german"]
    for voice in [None, *bench.info.voices]:
        bench.run("Tag", voice=voice)
    numbers = [utterance.speaker for utterance in bench.synthesizer.spoken]
    assert numbers == [0, 0, 0, 0, 1, 2, 0]
    english, german = bench.synthesizer.spoken[0].ids, bench.synthesizer.spoken[-1].ids
    assert english.tolist() != german.tolist()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"espeak": {"voice": "xx-none"}}, "no voice 'xx-none'"),
        ({"phoneme_type": "text"}, "kind 'text'"),
        ({"phoneme_id_map": {"a": [1]}}, "no number for"),
        ({"audio": {}}, "not a piper voice"),
    ],
)
def test_a_voice_that_cannot_speak_fails_the_start(
    tmp_path: Path, open_bench: OpenBench, config: dict[str, Any], message: str
) -> None:
    write_voice(tmp_path, **config)
    with pytest.raises(StartError, match=message) as failure:
        open_bench()
    assert failure.value.permanent


def test_voices_that_are_missing_fail_the_start(tmp_path: Path, open_bench: OpenBench) -> None:
    write_voice(tmp_path, "one")
    with pytest.raises(StartError, match="lacks the voices two"):
        open_bench(voices=["two"])
    (tmp_path / "one.onnx.json").unlink()
    with pytest.raises(StartError, match=r"one\.onnx\.json"):
        open_bench()
