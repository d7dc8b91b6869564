"""Fake models with predictable answers: loud sound is speech, and the pitch is the voice."""

from __future__ import annotations

import io
import threading
import wave
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from xim_transcription.handler import TranscribeHandler
from xim_transcription.models import (
    FRAME,
    RATE,
    CharacterModel,
    DecodingOptions,
    Floats,
    Models,
    SpeechStream,
    VoiceEncoder,
)
from xim_worker import Context, Plan, Runtime

LANGUAGES = ["en", "de", "ja"]


class LoudnessDetector:
    def open(self) -> SpeechStream:
        return self

    def add(self, samples: Floats) -> Floats:
        loud = np.abs(samples.reshape(-1, FRAME)).max(axis=1) > 0.05
        return np.asarray(loud, np.float32)


class PitchVoices:
    """Vectors with one dimension for each of the 8 octaves between 50 and 12,800 Hz."""

    def embed(self, clips: Floats) -> Floats:
        hertz = np.abs(np.fft.rfft(clips)).argmax(axis=1) * RATE / clips.shape[1]
        octave = np.clip(np.log2(np.maximum(hertz, 50) / 50), 0, 7).astype(int)
        return np.asarray(np.eye(8)[octave], np.float32)


class CountingRecogniser:
    """Transcribes every window as one segment of the same length; the text is the number of the window."""

    languages = LANGUAGES

    def __init__(self, tick: Callable[[], None], workers: int = 1) -> None:
        self.workers = workers
        self.readings: list[DecodingOptions] = []
        self.seconds: list[float] = []
        self.gate = threading.Event()
        self.gate.set()
        self.certainty = 0.9
        self._tick = tick

    def encode(self, samples: Floats) -> Floats:
        return samples

    def detect(self, encoded: Floats) -> Mapping[str, float]:
        return {"de": self.certainty, "en": 1 - self.certainty}

    def read(self, encoded: Floats, reading: DecodingOptions) -> list[dict[str, Any]]:
        assert self.gate.wait(60)
        self._tick()
        number, seconds = len(self.readings), len(encoded) / RATE
        self.readings.append(reading)
        self.seconds.append(seconds)
        segment: dict[str, Any] = {"start": 0.0, "end": seconds, "text": f" Window {number}.", "tokens": [number]}
        if reading.words:
            half = seconds / 2
            segment["words"] = [
                {"word": " Window", "start": 0.0, "end": half, "probability": 0.5},
                {"word": f" {number}.", "start": half, "end": seconds, "probability": 0.5},
            ]
        return [segment]

    def describe(self) -> tuple[Runtime, str]:
        return {"name": "counting", "version": "1", "isa": "none"}, "f32"


def load(
    slots: int = 4,
    threads: int = 1,
    voices: VoiceEncoder | None = None,
    aligner: CharacterModel | None = None,
    folder: Path | None = None,
    **options: Any,
) -> tuple[TranscribeHandler, CountingRecogniser]:
    made: list[CountingRecogniser] = []

    def open_models(context: Context, workers: int, tick: Callable[[], None]) -> Models:
        made.append(CountingRecogniser(tick, workers))
        return Models(made[0], LoudnessDetector(), voices, aligner)

    handler = TranscribeHandler(open_models)
    plan = Plan(threads=threads, slots=slots, kv_cache_bytes=0, batch_tokens=0)
    handler.load(Context({"id": "m"}, str(folder or ""), options, plan, 0, lambda step, fraction: None))
    made[0].readings.clear()
    made[0].seconds.clear()
    return handler, made[0]


def speak(*parts: tuple[float, float]) -> Floats:
    """Makes sound from pairs of (seconds, hertz); 0 Hz is silence."""
    pieces = [0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE) for seconds, hertz in parts]
    return np.concatenate(pieces).astype(np.float32)


def to_wav(samples: Floats) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(RATE)
        output.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


def events(handler: TranscribeHandler, samples: Floats, **request: Any) -> list[dict[str, Any]]:
    found = handler.run({"audio": {"bytes": to_wav(samples)}, **request}, lambda: False)
    return [dict(event) for event in found if event is not None]


def segments_of(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event["segment"] for event in found if event["type"] == "segment"]
