"""Rotary position embedding: angles per position, with the scalings that a GGUF file may ask for."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from openvino import Node, Type
from openvino import opset13 as op

from .constants import Order
from .header import GgufHeader, Shape
from .nodes import integer, integers, scaled

Floats = npt.NDArray[np.float32]


def frequencies(header: GgufHeader, *, local: bool) -> tuple[Floats, float]:
    """Angle per position `[rotated / 2]` in radians and the factor of sine and cosine. `local`: sliding-window layers.

    Source: `rope_yarn` and `ggml_rope_yarn_corr_dims` of ggml.
    """
    half = header.shape.rotated // 2
    base = float(header.field("{arch}.rope.freq_base", 10000.0))
    if local:
        base = float(header.field("{arch}.rope.freq_base_swa", header.family.local_base))
    turns = np.power(base, -np.arange(half, dtype=np.float64) / half)
    if local:
        return turns.astype(np.float32), 1.0
    factors, original = _factors(header), _original_context(header)
    if factors is not None:
        turns = turns / factors
    kind = header.field("{arch}.rope.scaling.type", "none")
    scale = float(header.field("{arch}.rope.scaling.factor", header.field("{arch}.rope.scale_linear", 1.0))) or 1.0
    strength = float(header.field("{arch}.rope.scaling.attn_factor", 1.0))
    if kind == "linear":
        turns = turns / scale
    elif kind == "yarn" and scale != 1.0:
        turns = turns * (1 - _kept(header, half, base, original)) / scale + turns * _kept(header, half, base, original)
        strength *= 1 + 0.1 * math.log(scale)
    return turns.astype(np.float32), strength


def _factors(header: GgufHeader) -> npt.NDArray[np.float64] | None:
    """Divisors of the frequencies `[rotated / 2]`: Llama 3's, or Phi 3's for contexts beyond the original one."""
    beyond = header.shape.context > _original_context(header)
    for name in ("rope_freqs.weight", f"rope_factors_{'long' if beyond else 'short'}.weight"):
        tensor = header.tensors.get(name)
        if tensor is not None:
            return np.asarray(tensor.data, np.float64)
    return None


def _original_context(header: GgufHeader) -> int:
    return int(header.field("{arch}.rope.scaling.original_context_length", header.shape.context))


def _kept(header: GgufHeader, half: int, base: float, original: int) -> npt.NDArray[np.float64]:
    """YaRN: the share `[half]` of each frequency without interpolation, from fast to slow frequencies."""

    def place(key: str, default: float) -> float:
        turns = float(header.field("{arch}.rope.scaling." + key, default))
        return 2 * half * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(base))

    low = max(0, math.floor(place("yarn_beta_fast", 32.0)))
    high = min(2 * half - 1, math.ceil(place("yarn_beta_slow", 1.0)))
    return 1 - np.clip((np.arange(half, dtype=np.float64) - low) / max(0.001, high - low), 0, 1)


def angles(header: GgufHeader, positions: Node, *, local: bool) -> tuple[Node, Node]:
    """Cosine and sine [T, 1, 1, rotated] of the positions [T]; `local`: of the layers with a sliding window."""
    turns, strength = frequencies(header, local=local)
    column = op.reshape(op.convert(positions, Type.f32), integers(-1, 1, 1), False)
    half = op.multiply(column, op.constant(turns.reshape(1, 1, -1)))
    whole = op.concat([half, half], -1)
    cosine, sine = (op.unsqueeze(scaled(node, strength), integer(1)) for node in (op.cos(whole), op.sin(whole)))
    return cosine, sine


def halves(heads: int, shape: Shape) -> Order:
    """Rows of queries or keys, so that a rotary embedding of neighbours becomes one of halves."""
    size, turned = shape.head_size, shape.rotated
    head = np.concatenate([np.arange(0, turned, 2), np.arange(1, turned, 2), np.arange(turned, size)])
    order: Order = (np.arange(heads)[:, np.newaxis] * size + head).reshape(-1).astype(np.int64)
    return order
