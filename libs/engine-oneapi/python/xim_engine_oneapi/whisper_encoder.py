"""Whisper's encoder on OpenVINO, built from the weights of a CTranslate2 model.

Source of the architecture: `AudioEncoder` in OpenAI's whisper/model.py. Names of the weights: CTranslate2's
python/ctranslate2/specs/whisper_spec.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from xim_transcription.models import Floats

from .ctranslate2_file import Array, read_variables
from .infer_pool import compile_pool

_FRAMES = 3000
_EPSILON = 1e-5
_LARGEST_INT8 = 127
_MOST_FLOAT_BYTES = 128 * 2**20


class WhisperEncoder:
    """Computes several windows at once, each in a call of its own, with its share of the threads."""

    library = "openvino"
    version = ov.get_version().split("-")[0]

    def __init__(self, folder: Path, threads: int, streams: int, dtype: str) -> None:
        """`dtype`: CTranslate2's name of the computation. For an `int8` type the encoder computes in bf16, where the
        CPU has instructions for it, which loses less than 8 bits; otherwise in f32. The weights of a large model then
        take 8 bits each, with a scale per row; those of a small model stay in floating point, which is faster.

        Raises ValueError where `model.bin` has other variables than Whisper's, RuntimeError where OpenVINO refuses
        the graph.
        """
        weights = read_variables(folder / "model.bin")
        is_int8 = dtype.startswith("int8")
        try:
            size = sum(4 * array.size for name, array in weights.items() if name.startswith("encoder/"))
            is_large = size > _MOST_FLOAT_BYTES
            graph = build_encoder(weights, int8_weights=is_large and is_int8)
        except KeyError as error:
            raise ValueError(f"{folder / 'model.bin'} has no variable {error}; expected those of Whisper") from error
        has_bf16 = "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        config = {"INFERENCE_PRECISION_HINT": "bf16" if is_int8 and has_bf16 else "f32"}
        self.compiled, self._requests = compile_pool(graph, size, threads, streams, config)

    def __call__(self, features: Floats) -> Floats:
        """Maps mel spectrograms `[1, mels, 3000]` to states `[1, 1500, size]`."""
        with self._requests.take() as request:
            states: Floats = np.array(request.infer([features])[0])
            return states


def build_encoder(weights: Mapping[str, Array], *, int8_weights: bool) -> ov.Model:
    """Raises KeyError for a variable that is not there."""
    size, mels, _ = weights["encoder/conv1/weight"].shape
    heads = int(weights["encoder/num_heads"])

    def floats(name: str) -> Floats:
        array = weights[f"encoder/{name}"]
        scale = weights.get(f"encoder/{name}_scale")
        values: Floats = array.astype(np.float32)
        # CTranslate2's scale multiplies on the way to int8, one for each row.
        return values if scale is None else values / scale.astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))

    def linear(rows: ov.Node, name: str) -> ov.Node:
        weight = floats(f"{name}/weight")
        product = ops.matmul(rows, _int8(weight) if int8_weights else ops.constant(weight), False, True)
        return ops.add(product, ops.constant(floats(f"{name}/bias")))

    def layer_norm(rows: ov.Node, name: str) -> ov.Node:
        normal = ops.mvn(rows, ops.constant([-1]), True, _EPSILON, "inside_sqrt")
        scaled = ops.multiply(normal, ops.constant(floats(f"{name}/gamma")))
        return ops.add(scaled, ops.constant(floats(f"{name}/beta")))

    def attention(rows: ov.Node, name: str) -> ov.Node:
        split = ops.reshape(linear(rows, f"{name}/linear_0"), ops.constant([0, 0, 3, heads, size // heads]), True)
        parts = ops.split(ops.transpose(split, ops.constant([2, 0, 3, 1, 4])), ops.constant(0), 3)
        query, key, value = (ops.squeeze(parts.output(at), ops.constant([0])) for at in range(3))
        seen = ops.scaled_dot_product_attention(query, key, value, causal=False)
        joined = ops.reshape(ops.transpose(seen, ops.constant([0, 2, 1, 3])), ops.constant([0, 0, size]), True)
        return linear(joined, f"{name}/linear_1")

    features = ops.parameter([1, mels, _FRAMES], np.float32)
    states = features
    for name, stride in (("conv1", 1), ("conv2", 2)):
        states = ops.convolution(states, ops.constant(floats(f"{name}/weight")), [stride], [1], [1], [1])
        states = ops.gelu(ops.add(states, ops.constant(floats(f"{name}/bias")[None, :, None])), "erf")
    states = ops.transpose(states, ops.constant([0, 2, 1]))
    states = ops.add(states, ops.constant(floats("position_encodings/encodings")[None]))
    for layer in range(_count_layers(weights)):
        name = f"layer_{layer}"
        seen = attention(layer_norm(states, f"{name}/self_attention/layer_norm"), f"{name}/self_attention")
        states = ops.add(states, seen)
        wide = linear(layer_norm(states, f"{name}/ffn/layer_norm"), f"{name}/ffn/linear_0")
        states = ops.add(states, linear(ops.gelu(wide, "erf"), f"{name}/ffn/linear_1"))
    return ov.Model([layer_norm(states, "layer_norm")], [features])


def _count_layers(weights: Mapping[str, Array]) -> int:
    return len({name.split("/")[1] for name in weights if name.startswith("encoder/layer_") and name.count("/") > 2})


def _int8(weight: Floats) -> ov.Node:
    """A weight `[rows, columns]` as 8-bit numbers and one scale for each row."""
    scales = np.maximum(np.abs(weight).max(1, keepdims=True), np.finfo(np.float32).tiny) / _LARGEST_INT8
    numbers = ops.constant(np.round(weight / scales).astype(np.int8))
    return ops.multiply(ops.convert(numbers, "f32"), ops.constant(scales.astype(np.float32)))
