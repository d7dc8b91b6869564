"""The small models around Whisper, compared with explicit arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from xim_engine_oneapi.voice_activity import SileroDetector
from xim_engine_oneapi.voice_encoder import GE2EEncoder, read_resemblyzer
from xim_transcription.models import FRAME, RATE, Floats
from xim_worker import StartError

HIDDEN, MELS, LAYERS = 256, 40, 3


def make_silero(folder: Path, *, state: str = "h") -> Path:
    """Its inputs and outputs; a probability is the first sample of the frame's context plus the calls before."""
    frames = ops.parameter([-1, 64 + FRAME], np.float32)
    h, c = (ops.parameter([1, 1, 128], np.float32) for _ in range(2))
    for node, name in ((frames, "input"), (h, state), (c, "c")):
        node.output(0).tensor.set_names({name})
    first = ops.gather(frames, ops.constant(0), ops.constant(1))
    seen = ops.gather(ops.reshape(h, ops.constant([128]), False), ops.constant([0]), ops.constant(0))
    outputs = [ops.add(first, seen), ops.add(h, ops.constant(np.float32(1))), c]
    path = folder / "silero.xml"
    ov.save_model(ov.Model(outputs, [frames, h, c]), path, compress_to_fp16=False)
    return path


def test_a_frame_is_read_with_the_end_of_the_one_before(tmp_path: Path) -> None:
    samples = np.arange(6 * FRAME, dtype=np.float32)
    stream = SileroDetector(make_silero(tmp_path)).open()
    found = stream.add(samples)
    # The context of the first frame is silence; the state is the state at the beginning of the call.
    assert found.tolist() == [0.0, *(number * FRAME - 64 for number in range(1, 6))]


def test_a_stream_goes_on_where_it_was(tmp_path: Path) -> None:
    samples = np.arange(6 * FRAME, dtype=np.float32)
    detector = SileroDetector(make_silero(tmp_path))
    stream, other = detector.open(), detector.open()
    parts = [stream.add(samples[: 2 * FRAME]), stream.add(samples[:0]), stream.add(samples[2 * FRAME :])]
    assert np.concatenate(parts).tolist() == [0.0, FRAME - 64, *(number * FRAME - 64 + 1 for number in range(2, 6))]
    assert other.add(samples[FRAME:]).tolist()[0] == 0.0


def test_another_model_of_voice_activity_is_refused_by_its_inputs(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="inputs c, input, sr; expected Silero v6") as error:
        SileroDetector(make_silero(tmp_path, state="sr"))
    assert error.value.permanent


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "silero.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(StartError, match=r"silero\.onnx cannot be compiled"):
        SileroDetector(path)


def make_tensors(seed: int) -> dict[str, Floats]:
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> Floats:
        return np.asarray(random.normal(0, 0.08, shape), np.float32)

    tensors = {"linear.weight": normal(HIDDEN, HIDDEN), "linear.bias": normal(HIDDEN)}
    for layer in range(LAYERS):
        tensors[f"lstm.weight_ih_l{layer}"] = normal(4 * HIDDEN, MELS if layer == 0 else HIDDEN)
        tensors[f"lstm.weight_hh_l{layer}"] = normal(4 * HIDDEN, HIDDEN)
        tensors[f"lstm.bias_ih_l{layer}"] = normal(4 * HIDDEN)
        tensors[f"lstm.bias_hh_l{layer}"] = normal(4 * HIDDEN)
    return tensors


def sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-values)), np.float32)


def reference(tensors: dict[str, Floats], features: Floats) -> Floats:
    """PyTorch's LSTM (gates: input, forget, cell, output), a linear layer, ReLU, unit length."""
    sequence = features
    for layer in range(LAYERS):
        h = c = np.zeros(HIDDEN, np.float32)
        bias = tensors[f"lstm.bias_ih_l{layer}"] + tensors[f"lstm.bias_hh_l{layer}"]
        outputs = []
        for step in sequence:
            gates = tensors[f"lstm.weight_ih_l{layer}"] @ step + tensors[f"lstm.weight_hh_l{layer}"] @ h + bias
            i, f, g, o = np.split(gates, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            outputs.append(h)
        sequence = np.stack(outputs)
    vector = np.maximum(tensors["linear.weight"] @ sequence[-1] + tensors["linear.bias"], 0)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def tone(hertz: float, loudness: float) -> Floats:
    return np.asarray(loudness * np.sin(2 * np.pi * hertz * np.arange(round(1.6 * RATE)) / RATE), np.float32)


def test_vectors_are_those_of_the_written_out_network() -> None:
    tensors = make_tensors(0)
    encoder = GE2EEncoder(tensors, 1)
    clips = np.stack([tone(200, 0.3), tone(1500, 0.3), tone(4000, 0.01)])
    found = encoder.embed(clips)
    expected = np.stack([reference(tensors, encoder._mel(clip)) for clip in clips])
    assert found.shape == (3, HIDDEN)
    assert np.abs(found - expected).max() < 1e-4


def test_a_tone_is_loudest_in_its_band() -> None:
    encoder = GE2EEncoder(make_tensors(0), 1)
    # The middle of band n of 40 on Slaney's scale, which is linear below 1000 Hz.
    for hertz, band in ((203.0, 2), (609.0, 8)):
        mel = encoder._mel(tone(hertz, 0.3))
        assert mel.shape == (160, MELS)
        assert abs(int(mel[80].argmax()) - band) <= 1


def test_quiet_sound_is_raised_and_loud_sound_is_kept() -> None:
    encoder = GE2EEncoder(make_tensors(0), 1)
    whisper, murmur, loud = (encoder._mel(tone(400, value)).max() for value in (0.001, 0.01, 0.5))
    assert whisper == pytest.approx(murmur, rel=1e-3)
    assert loud > 10 * murmur


def test_silence_gives_a_vector_without_division_by_zero() -> None:
    assert np.isfinite(GE2EEncoder(make_tensors(0), 1).embed(np.zeros((2, round(1.6 * RATE)), np.float32))).all()


def test_missing_tensors_are_named() -> None:
    tensors = make_tensors(0)
    del tensors["lstm.weight_hh_l2"]
    with pytest.raises(StartError, match=r"no tensor 'lstm\.weight_hh_l2'"):
        GE2EEncoder(tensors, 1)


def test_only_the_known_file_of_resemblyzer_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pretrained.pt"
    path.write_bytes(b"\x80\x02 another pickle")
    with pytest.raises(StartError, match=r"is not the file of resemblyzer 0\.1\.4"):
        read_resemblyzer(path)
