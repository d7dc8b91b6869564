"""A voice in piper's layout and a synthesizer with almost no computation. All other parts are real."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xim_speech.handler import SpeakHandler
from xim_speech.synthesizer import Speech, Utterance
from xim_worker import Context, Event, Info, Plan, Runtime

RATE = 22_050
HOP = 256
SYMBOLS = "_^$ !'(),-.:;?abcdefhijklmnopqrstuvwxyzæðŋɐɑɒɔəɚɛɜɡɪɫɹɾʃʊʌʒʔˈˌːθᵻ"


def until(condition: Callable[[], bool]) -> None:
    """Waits for the condition. Fails after a time that is long enough for a loaded machine."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


class TinySynthesizer:
    """Two frames of a tone per phoneme; the speaker sets the pitch, the seed sets the phase."""

    parallel = 1

    def __init__(self) -> None:
        self.spoken: list[Utterance] = []
        self.gate: threading.Event | None = None
        """If set, every utterance waits for this event."""

    def speak(self, voice: str, utterance: Utterance) -> Speech:
        self.spoken.append(utterance)
        if self.gate is not None:
            assert self.gate.wait(30)
        frames = round(2 * len(utterance.ids) * utterance.pace)
        phase = np.random.default_rng(utterance.seed).random()
        times = np.arange(frames * HOP, dtype=np.float64) / RATE
        samples = 0.5 * np.sin(2 * np.pi * (200 * (1 + utterance.speaker) * times + phase))
        return Speech(samples.astype(np.float32), frames)

    def describe(self) -> tuple[Runtime, str]:
        return {"name": "tiny", "version": "1", "isa": "none"}, "f32"


class Bench:
    """A loaded handler."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.synthesizer = TinySynthesizer()
        self.handler = SpeakHandler(lambda context, voices: self.synthesizer)
        self.info: Info = self.handler.load(
            Context(
                model={"id": "org/tiny"},
                model_path=str(folder),
                options=options,
                plan=Plan(threads=1, slots=4, kv_cache_bytes=0, batch_tokens=0),
                rank=0,
                progress=lambda step, fraction: None,
            )
        )

    def close(self) -> None:
        self.handler.close()

    def stream(self, text: str, **more: Any) -> Generator[Event | None, None, None]:
        return self.handler.run({"text": text, "format": "pcm", **more}, lambda: False)

    def run(self, text: str, **more: Any) -> tuple[bytes, Event, Event]:
        """Returns the file, the start event and the end event."""
        events = [event for event in self.stream(text, **more) if event is not None]
        assert [event["type"] for event in events[1:-1]] == ["audio"] * (len(events) - 2)
        return b"".join(event["bytes"] for event in events[1:-1]), events[0], events[-1]


def write_voice(folder: Path, name: str = "tiny", **more: Any) -> None:
    config = {
        "audio": {"sample_rate": RATE},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "num_speakers": 1,
        "phoneme_id_map": {symbol: [number] for number, symbol in enumerate(SYMBOLS)},
        **more,
    }
    (folder / f"{name}.onnx").write_bytes(b"")
    (folder / f"{name}.onnx.json").write_text(json.dumps(config), encoding="utf-8")


@pytest.fixture
def open_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Loads a handler with the voices in `tmp_path`; writes a tiny voice if there are none."""
    opened: list[Bench] = []

    def open(**options: Any) -> Bench:
        if not list(tmp_path.glob("*.onnx")):
            write_voice(tmp_path)
        opened.append(Bench(tmp_path, options))
        return opened[-1]

    yield open
    for bench in opened:
        bench.close()


@pytest.fixture
def bench(open_bench: Callable[..., Bench]) -> Bench:
    return open_bench()
