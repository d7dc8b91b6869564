"""The GE2E encoder of voices (Wan et al., "Generalized end-to-end loss for speaker verification", 2018), on OpenVINO.

Mel spectrogram of 40 bands → three LSTM layers → a linear layer, ReLU, unit length.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from xim_transcription.models import RATE, Floats
from xim_worker import StartError

RESEMBLYZER = "pretrained.pt"
_RESEMBLYZER_SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
# Where the numbers begin in that file; each storage is its count in 8 bytes, then its float32 values.
_RESEMBLYZER_STORAGES = 6667
_LAYERS, _HIDDEN, _MELS = 3, 256, 40
_WINDOW, _HOP, _FRAMES = 400, 160, 160
_LEAST_DECIBELS = -30.0
Tensors = Mapping[str, Floats]


class GE2EEncoder:
    """A VoiceEncoder."""

    def __init__(self, tensors: Tensors, threads: int) -> None:
        config = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        self._request = ov.Core().compile_model(_graph(tensors), "CPU", config).create_infer_request()
        self._lock = threading.Lock()
        self._bands = _mel_bands()

    def embed(self, clips: Floats) -> Floats:
        features = np.stack([self._mel(clip) for clip in clips])
        with self._lock:
            vectors: Floats = self._request.infer([features])[0].copy()
        # The ReLU may give a vector of zeros for a sound without voice.
        unit: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
        return unit

    def _mel(self, samples: Floats) -> Floats:
        """Power in 40 bands, 100 frames a second; quiet sound is raised to -30 dB, as in training."""
        decibels = 10 * np.log10(float(np.mean(samples**2)) + 1e-12)
        if decibels < _LEAST_DECIBELS:
            samples = samples * np.float32(10 ** ((_LEAST_DECIBELS - decibels) / 20))
        padded = np.pad(samples, _WINDOW // 2)
        frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:_FRAMES]
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
        power = np.abs(np.fft.rfft(frames * window.astype(np.float32))) ** 2
        bands: Floats = (power @ self._bands).astype(np.float32)
        return bands


def read_resemblyzer(path: Path) -> dict[str, Floats]:
    """The tensors of the file inside resemblyzer's wheel. Its pickle is not read: the numbers stand at known places."""
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != _RESEMBLYZER_SHA256:
        raise StartError(f"{path} is not the file of resemblyzer 0.1.4", permanent=True)
    storages: list[Floats] = []
    at = _RESEMBLYZER_STORAGES
    for _ in range(5):
        count = int.from_bytes(data[at : at + 8], "little")
        storages.append(np.frombuffer(data, "<f4", count, at + 8))
        at += 8 + 4 * count
    # Two scalars of the training loss, then the encoder. The LSTM is in one storage: weights, then biases.
    bias, weight, lstm = storages[2:]
    tensors = {"linear.weight": weight.reshape(_HIDDEN, _HIDDEN), "linear.bias": bias}
    at = 0
    for kind in ("weight", "bias"):
        for layer in range(_LAYERS):
            for part in ("ih", "hh"):
                columns = 1 if kind == "bias" else _MELS if (layer, part) == (0, "ih") else _HIDDEN
                values = lstm[at : at + 4 * _HIDDEN * columns]
                at += len(values)
                tensors[f"lstm.{kind}_{part}_l{layer}"] = values if kind == "bias" else values.reshape(-1, columns)
    return tensors


def _graph(tensors: Tensors) -> ov.Model:
    features = ops.parameter([-1, _FRAMES, _MELS], np.float32)
    count = ops.gather(ops.shape_of(features), ops.constant([0]), ops.constant(0))
    state = ops.broadcast(
        ops.constant(np.zeros((1, 1, 1), np.float32)),
        ops.concat([count, ops.constant(np.array([1, _HIDDEN], np.int64))], 0),
    )
    lengths = ops.broadcast(ops.constant(np.int64(_FRAMES)), count)
    try:
        sequence = features
        for layer in range(_LAYERS):
            inputs, hidden = (_gates(tensors[f"lstm.weight_{part}_l{layer}"]) for part in ("ih", "hh"))
            bias = _gates(tensors[f"lstm.bias_ih_l{layer}"] + tensors[f"lstm.bias_hh_l{layer}"])
            lstm = ops.lstm_sequence(sequence, state, state, lengths, inputs, hidden, bias, _HIDDEN, "forward")
            sequence = ops.squeeze(lstm.output(0), ops.constant(1))
        last = ops.squeeze(lstm.output(1), ops.constant(1))
        linear = ops.matmul(last, ops.constant(tensors["linear.weight"]), False, True)
        vectors = ops.relu(ops.add(linear, ops.constant(tensors["linear.bias"])))
    except KeyError as error:
        raise StartError(
            f"the encoder of voices has no tensor {error}; expected those of GE2E", permanent=True
        ) from error
    return ov.Model([vectors], [features])


def _gates(values: Floats) -> ov.Node:
    """Gates in PyTorch's order (input, forget, cell, output) in OpenVINO's (forget, input, cell, output)."""
    first, second, cell, output = np.split(values, 4)
    return ops.constant(np.concatenate([second, first, cell, output])[None])


def _mel_bands() -> Floats:
    """Triangles on Slaney's mel scale, of equal area: `[frequencies, bands]` (librosa's default)."""
    linear, step = 200 / 3, np.log(6.4) / 27
    most = 15 + np.log(RATE / 2 / 1000) / step
    mels = np.linspace(0, most, _MELS + 2)
    hertz = np.where(mels < 15, mels * linear, 1000 * np.exp((mels - 15) * step))
    frequencies = np.linspace(0, RATE / 2, _WINDOW // 2 + 1)
    slopes = hertz[:, None] - frequencies[None]
    rising = -slopes[:-2] / np.diff(hertz)[:-1, None]
    falling = slopes[2:] / np.diff(hertz)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling)) * (2 / (hertz[2:] - hertz[:-2]))[:, None]
    bands: Floats = triangles.T.astype(np.float32)
    return bands
