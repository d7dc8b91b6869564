"""The code around the model. An engine tests the transcripts with real weights."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from xim_transcription.whisper import Whisper, _is_echo, _to_segment
from xim_worker import Context, Plan, StartError

FILES = ("model.bin", "config.json", "tokenizer.json")


def open_whisper(folder: Path, **options: Any) -> Whisper:
    plan = Plan(threads=1, slots=1, kv_cache_bytes=0, batch_tokens=0)
    context = Context({"id": "m"}, str(folder), options, plan, 0, lambda step, fraction: None)
    return Whisper(context, Path(context.model_path), 1, lambda: None)


@pytest.mark.parametrize("missing", FILES)
def test_a_folder_that_is_not_complete_is_refused_before_it_is_opened(tmp_path: Path, missing: str) -> None:
    for name in FILES:
        if name != missing:
            (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(StartError, match=f"has no {missing}; expected a Whisper model") as error:
        open_whisper(tmp_path)
    assert error.value.permanent


def test_a_type_that_the_cpu_does_not_have_is_refused_with_those_it_has(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(StartError, match=r"computeType is 'int3'; this CPU has .*float32"):
        open_whisper(tmp_path, computeType="int3")


def test_a_damaged_model_is_refused_for_good(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(StartError, match="cannot be loaded as a Whisper model") as error:
        open_whisper(tmp_path, computeType="float32")
    assert error.value.permanent


@pytest.mark.parametrize(
    ("seek", "start", "end", "text", "echo"),
    [
        # The rest of the window is half a second, and the segment is a whole sentence.
        (1150, 11.5, 12.0, " Ask what you can do for your country.", True),
        (1150, 11.5, 12.0, " Yes, sir.", False),
        # The first pass over a window and a long rest are accepted.
        (0, 11.5, 12.0, " Ask what you can do for your country.", False),
        (900, 9.0, 9.5, " Ask what you can do for your country.", False),
    ],
)
def test_a_sentence_in_the_rest_of_a_window_is_invented(
    seek: int, start: float, end: float, text: str, echo: bool
) -> None:
    assert _is_echo(SimpleNamespace(seek=seek, start=start, end=end, text=text), 1200) is echo


def test_numbers_of_numpy_become_plain_ones_and_times_no_tokens() -> None:
    word = SimpleNamespace(word=" Hi", start=np.float64(0.5), end=np.float64(1), probability=np.float32(0.5))
    found = SimpleNamespace(
        start=np.float64(0.5),
        end=np.float64(1),
        text=" Hi",
        tokens=[50364, 2421, 50390],
        temperature=0.0,
        avg_logprob=np.float32(-0.25),
        compression_ratio=0.5,
        no_speech_prob=np.float32(0.125),
        words=[word],
    )
    segment = _to_segment(found, 50364)
    assert segment == {
        "start": 0.5,
        "end": 1.0,
        "text": " Hi",
        "tokens": [2421],
        "temperature": 0.0,
        "averageLogprob": -0.25,
        "compressionRatio": 0.5,
        "noSpeechProbability": 0.125,
        "words": [{"word": " Hi", "start": 0.5, "end": 1.0, "probability": 0.5}],
    }
    assert {type(value) for value in segment.values()} <= {float, str, list}
    found.words = None
    assert "words" not in _to_segment(found, 50364)
