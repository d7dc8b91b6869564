"""Kokoro's network with random weights, against PyTorch (see tiny_kokoro/README.md)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from xim_engine_oneapi.speak_kokoro import KokoroSynthesizer, feed_noise
from xim_speech.synthesizer import Floats, Int64s, Utterance
from xim_worker import Context, Plan, StartError

TINY = Path(__file__).with_name("tiny_kokoro")
HELLO = "həlˈO ðˈɛɹ."


class TinyVoice:
    """The voice of the folder, as `xim_speech` reads it."""

    name = "af_tiny"

    def __init__(self, folder: Path = TINY) -> None:
        self.ids: dict[str, int] = json.loads((folder / "tokenizer.json").read_text("utf8"))["model"]["vocab"]
        self._styles = np.fromfile(folder / "voices" / "af_tiny.bin", "<f4").reshape(-1, 1, 256)

    def style(self, count: int) -> Floats:
        return np.asarray(self._styles[count - 2], np.float32)

    def to_ids(self, text: str) -> Int64s:
        return np.array([0, *(self.ids[symbol] for symbol in text), 0], np.int64)


def open_tiny(folder: Path = TINY, parallel: int = 1) -> KokoroSynthesizer:
    plan = Plan(threads=2, slots=2, kv_cache_bytes=0, batch_tokens=0)
    context = Context({"id": "m"}, str(folder), {}, plan, 0, lambda step, fraction: None)
    config = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": parallel}
    return KokoroSynthesizer(context, [TinyVoice()], parallel, config)


@pytest.fixture(scope="module")
def tiny() -> KokoroSynthesizer:
    return open_tiny(parallel=2)


def speak(synthesizer: KokoroSynthesizer, text: str = HELLO, pace: float = 1, seed: int = 1) -> Floats:
    ids = TinyVoice().to_ids(text)
    speech = synthesizer.speak("af_tiny", Utterance(ids, pace, 0, seed))
    assert len(speech.samples) == 600 * speech.frames
    return speech.samples


def test_the_sound_is_that_of_pytorch() -> None:
    model = ov.Core().read_model(str(TINY / "onnx" / "model.onnx"))
    noises = feed_noise(model)
    assert sorted(noises.values()) == [False, True]
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    voice = TinyVoice()
    ids = voice.to_ids(HELLO)
    found = compiled.create_infer_request().infer(
        {
            "input_ids": ids[None],
            "style": voice.style(len(ids)),
            "speed": np.ones(1, np.float32),
            **{name: np.zeros(16, np.float32) for name in noises},
        }
    )[0]
    expected = np.load(TINY / "reference.npy").astype(np.float32)
    assert found.shape == expected.shape
    assert np.abs(expected).max() > 0.05
    # The phases of sines add up over all samples, and the reference is stored in 16 bits.
    assert np.abs(found - expected).max() < 0.01
    assert np.corrcoef(found, expected)[0, 1] > 0.9999


def test_a_seed_gives_the_same_sound_again(tiny: KokoroSynthesizer) -> None:
    assert np.array_equal(speak(tiny, seed=7), speak(tiny, seed=7))
    assert not np.array_equal(speak(tiny, seed=7), speak(tiny, seed=8))


@pytest.mark.parametrize("speed", [0.5, 2])
def test_speed_divides_the_duration(tiny: KokoroSynthesizer, speed: float) -> None:
    text = "ðə sˈi ɪz vˈæst ænd nˈObədi sˈin ɪt."
    plain, other = (len(speak(tiny, text, pace)) // 600 for pace in (1, 1 / speed))
    # A phoneme lasts a whole number of frames of 25 ms: each is up to half a frame away from its exact duration.
    assert abs(other - plain / speed) <= (len(text) + 2) / 2 * (1 + 1 / speed)
    assert (other < plain) == (speed > 1)


def test_it_says_what_it_computes_with(tiny: KokoroSynthesizer) -> None:
    runtime, dtype = tiny.describe()
    assert (tiny.parallel, runtime["name"], dtype) == (2, "openvino", "f32")


@pytest.mark.parametrize("models", [[], ["a.onnx", "b.onnx"]])
def test_a_folder_without_exactly_one_model_is_refused(tmp_path: Path, models: list[str]) -> None:
    for name in models:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(StartError, match="expected one model file in") as error:
        open_tiny(tmp_path)
    assert error.value.permanent


def test_another_model_is_refused_by_its_inputs(tmp_path: Path) -> None:
    ids = ops.parameter([1, -1], np.int64)
    ids.output(0).get_tensor().set_names({"input"})
    ov.save_model(ov.Model([ops.convert(ids, np.float32)], [ids]), tmp_path / "model.xml")
    with pytest.raises(StartError, match="has the inputs input; expected input_ids, style and speed"):
        open_tiny(tmp_path)


def test_random_numbers_of_another_kind_are_refused() -> None:
    shape = ops.parameter([2], np.int64)
    drawn = ops.random_uniform(shape, ops.constant(np.float32(0)), ops.constant(np.float32(1)), "f32")
    drawn.set_friendly_name("/x/Multinomial")
    with pytest.raises(ValueError, match="draws random numbers in /x/Multinomial"):
        feed_noise(ov.Model([drawn], [shape]))
