"""Whisper's encoder against explicit arithmetic, on a file in CTranslate2's format."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from xim_engine_oneapi.ctranslate2_file import read_variables
from xim_engine_oneapi.whisper_encoder import WhisperEncoder, build_encoder

Array = npt.NDArray[Any]
SIZE, HEADS, MELS, LAYERS, FRAMES = 16, 2, 4, 2, 3000
TYPES = {"float32": 0, "int8": 1, "int16": 2, "float16": 4}


def random_weights() -> dict[str, Array]:
    draw = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "conv1/weight": (SIZE, MELS, 3),
        "conv1/bias": (SIZE,),
        "conv2/weight": (SIZE, SIZE, 3),
        "conv2/bias": (SIZE,),
        "position_encodings/encodings": (FRAMES // 2, SIZE),
        "layer_norm/gamma": (SIZE,),
        "layer_norm/beta": (SIZE,),
    }
    for layer in range(LAYERS):
        for name, rows, columns in (
            ("self_attention/linear_0", 3 * SIZE, SIZE),
            ("self_attention/linear_1", SIZE, SIZE),
            ("ffn/linear_0", 4 * SIZE, SIZE),
            ("ffn/linear_1", SIZE, 4 * SIZE),
        ):
            shapes[f"layer_{layer}/{name}/weight"] = (rows, columns)
            shapes[f"layer_{layer}/{name}/bias"] = (rows,)
        for part in ("self_attention", "ffn"):
            shapes[f"layer_{layer}/{part}/layer_norm/gamma"] = (SIZE,)
            shapes[f"layer_{layer}/{part}/layer_norm/beta"] = (SIZE,)
    weights: dict[str, Array] = {
        f"encoder/{name}": draw.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()
    }
    return {**weights, "encoder/num_heads": np.array(HEADS, np.int16)}


def write_model(path: Path, variables: dict[str, Array], *, version: int = 6) -> Path:
    def text(value: str) -> bytes:
        data = value.encode() + b"\0"
        return struct.pack("<H", len(data)) + data

    parts = [struct.pack("<I", version), text("WhisperSpec"), struct.pack("<II", 3, len(variables))]
    for name, array in variables.items():
        parts += [text(name), struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)]
        parts += [struct.pack("<BI", TYPES[array.dtype.name], array.nbytes), array.tobytes()]
    path.write_bytes(b"".join([*parts, struct.pack("<I", 0)]))
    return path


def encode(weights: dict[str, Array], features: Array) -> Array:
    """Explicit arithmetic in f64: mel spectrogram `[mels, frames]` to states `[frames / 2, size]`."""

    def of(name: str) -> Array:
        return weights[f"encoder/{name}"].astype(np.float64)

    def gelu(values: Array) -> Array:
        result: Array = values * (1 + np.vectorize(math.erf)(values / math.sqrt(2))) / 2
        return result

    def norm(rows: Array, name: str) -> Array:
        normal = (rows - rows.mean(1, keepdims=True)) / np.sqrt(rows.var(1, keepdims=True) + 1e-5)
        result: Array = normal * of(f"{name}/gamma") + of(f"{name}/beta")
        return result

    def linear(rows: Array, name: str) -> Array:
        result: Array = rows @ of(f"{name}/weight").T + of(f"{name}/bias")
        return result

    def convolve(rows: Array, name: str, stride: int) -> Array:
        padded = np.pad(rows, ((0, 0), (1, 1)))
        at = np.arange(0, rows.shape[1], stride)
        taps = np.stack([padded[:, at + tap] for tap in range(3)], 2)
        return gelu(np.einsum("oit,ift->of", of(f"{name}/weight"), taps) + of(f"{name}/bias")[:, None])

    states = convolve(convolve(features, "conv1", 1), "conv2", 2).T + of("position_encodings/encodings")
    for layer in range(LAYERS):
        name = f"layer_{layer}/self_attention"
        rows = linear(norm(states, f"{name}/layer_norm"), f"{name}/linear_0")
        parts = []
        for query, key, value in zip(*(np.split(part, HEADS, 1) for part in np.split(rows, 3, 1)), strict=True):
            scores = np.exp(query @ key.T / math.sqrt(SIZE // HEADS))
            parts.append(scores @ value / scores.sum(1, keepdims=True))
        states = states + linear(np.concatenate(parts, 1), f"{name}/linear_1")
        name = f"layer_{layer}/ffn"
        wide = gelu(linear(norm(states, f"{name}/layer_norm"), f"{name}/linear_0"))
        states = states + linear(wide, f"{name}/linear_1")
    return norm(states, "layer_norm")


def error(found: Array, expected: Array) -> float:
    return float(np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)))


FEATURES = np.random.default_rng(4).normal(0, 1, (MELS, FRAMES)).astype(np.float32)


@pytest.mark.parametrize(
    ("stored", "computed", "most"),
    [("float32", "float32", 1e-5), ("float16", "float32", 1e-2), ("float32", "int8", 0.03)],
)
def test_states_equal_those_of_explicit_arithmetic(tmp_path: Path, stored: str, computed: str, most: float) -> None:
    weights = random_weights()
    file = {name: array if array.ndim == 0 else array.astype(stored) for name, array in weights.items()}
    write_model(tmp_path / "model.bin", file)
    encoder = WhisperEncoder(tmp_path, 1, 1, computed)
    assert error(encoder(FEATURES[None])[0], encode(weights, FEATURES)) < most


def test_the_weights_of_a_file_in_8_bits_are_read_with_their_scales(tmp_path: Path) -> None:
    weights = random_weights()
    stored: dict[str, Array] = {}
    for name, array in weights.items():
        if "linear" not in name or array.ndim != 2:
            stored[name] = array
            continue
        scale = 127 / np.abs(array).max(1)
        stored[name] = np.round(array * scale[:, None]).astype(np.int8)
        stored[f"{name}_scale"] = scale.astype(np.float32)
        weights[name] = stored[name] / scale[:, None]
    write_model(tmp_path / "model.bin", stored)
    encoder = WhisperEncoder(tmp_path, 1, 1, "float32")
    assert error(encoder(FEATURES[None])[0], encode(weights, FEATURES)) < 1e-5


def test_weights_rounded_to_8_bits_stay_close(tmp_path: Path) -> None:
    import openvino as ov

    weights = random_weights()
    graph = build_encoder(weights, int8_weights=True)
    assert any(node.get_element_type() == ov.Type.i8 for node in graph.get_ops())
    compiled = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled.create_infer_request().infer([FEATURES[None]])[0][0]
    assert 1e-5 < error(found, encode(weights, FEATURES)) < 0.03


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(struct.pack("<I", 6))
    with pytest.raises(ValueError, match="is not a model of CTranslate2"):
        read_variables(path)
    with pytest.raises(ValueError, match="version 7 of CTranslate2's format; expected 6"):
        read_variables(write_model(path, {}, version=7))
    write_model(path, {"decoder/num_heads": np.array(1, np.int16)})
    with pytest.raises(ValueError, match="no variable 'encoder/conv1/weight'; expected those of Whisper"):
        WhisperEncoder(tmp_path, 1, 1, "int8")
