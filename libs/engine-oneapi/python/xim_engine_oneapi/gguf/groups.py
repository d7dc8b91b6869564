"""ggml's quantised tensors as integers with a scale and a zero point per group, as the CPU plugin computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType as Kind
from gguf.quants import dequantize

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

FLOATS = {Kind.F32, Kind.F16, Kind.BF16}
"""Kinds that are no groups: a number per weight."""

IQ4_VALUES = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.int8)
"""The uneven steps of IQ4_NL and IQ4_XS."""
FP4_VALUES = np.array([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12], np.int8)
"""Twice the numbers of E2M1."""

_ROWS = 2048

LARGEST_ZERO = 60000.0
"""A zero point is an f16, whose largest value is 65504."""


@dataclass(frozen=True)
class Groups:
    """Weights `(values - zeros) * scales`, rows first. C columns are G groups of `C / G` neighbours in a row."""

    values: npt.NDArray[np.uint8] | npt.NDArray[np.int8]
    """[R, G, C / G]"""
    scales: npt.NDArray[np.float16]
    """[R, G, 1]"""
    zeros: npt.NDArray[np.float16] | Bytes | None
    """[R, G, 1]: f16, not rounded to integers, or u8; None: no zero point."""
    bits: int
    """4: `values` are 0 up to 15 and are stored as u4. 8: u8 or i8 by the type of `values`."""

    def take(self, rows: npt.NDArray[np.int64]) -> Groups:
        """The groups of these rows, in this order."""
        zeros = None if self.zeros is None else self.zeros[rows]
        return replace(self, values=self.values[rows], scales=self.scales[rows], zeros=zeros)

    def stacked(self, experts: int) -> Groups:
        """The same groups with the rows of each expert apart: [experts, R / experts, G, …]."""

        def apart(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return values.reshape(experts, -1, *values.shape[1:])

        zeros = None if self.zeros is None else apart(self.zeros)
        return replace(self, values=apart(self.values), scales=apart(self.scales), zeros=zeros)

    def weights(self) -> Floats:
        """[R, C] in f32: the weights that these groups stand for."""
        values = self.values.astype(np.float32)
        if self.zeros is not None:
            values -= self.zeros.astype(np.float32)
        weights: Floats = (values * self.scales.astype(np.float32)).reshape(len(values), -1)
        return weights


def to_groups(kind: Kind, data: Bytes) -> Groups:
    """Groups of a tensor's bytes `[R, bytes of a row]`, exact except for the rounding of scale and zero point to f16.

    Kinds without such a form are dequantised and quantised to i8 in groups of 32, with an error of 1/254 of the
    largest weight of the group.
    """
    reader = READERS.get(kind)
    return reader(data) if reader else quantise(dequantize(data, kind))


def to_int8(kind: Kind, data: Bytes, size: int) -> Groups:
    """i8 groups of a tensor's bytes `[R, bytes of a row]`, see `quantise`. Some rows at a time pass through f32."""
    rows = range(0, len(data), _ROWS)
    parts = [quantise(dequantize(data[row : row + _ROWS], kind), size) for row in rows]
    values, scales = (
        np.concatenate(each) for each in zip(*((part.values, part.scales) for part in parts), strict=True)
    )
    return Groups(values, scales, None, 8)


def quantise(weights: Floats, size: int = 32) -> Groups:
    """i8 groups of weights `[R, C]`; a row that `size` does not divide is a single group."""
    rows, columns = weights.shape
    grouped = weights.reshape(rows, -1, size if columns % size == 0 else columns)
    scales = (np.abs(grouped).max(axis=-1, keepdims=True) / 127).astype(np.float16)
    steps = np.where(scales == 0, np.float32(1), scales.astype(np.float32))
    values = np.clip(np.rint(grouped / steps), -127, 127).astype(np.int8)
    return Groups(values, scales, None, 8)


def _split(data: Bytes, *sizes: int) -> list[Bytes]:
    """Blocks of `sum(sizes)` bytes, cut into their parts: each `[R, blocks, size]`."""
    blocks = data.reshape(len(data), -1, sum(sizes))
    return np.split(blocks, np.cumsum(sizes)[:-1], axis=-1)


def _half(data: Bytes) -> Floats:
    return np.ascontiguousarray(data).view(np.float16).astype(np.float32)


def _nibbles(data: Bytes, run: int) -> Bytes:
    """[…, n] → […, 2 n]: of each run of bytes first the lower, then the upper halves."""
    parts = data.reshape(*data.shape[:-1], -1, 1, run)
    return np.concatenate([parts & 15, parts >> 4], axis=-2).reshape(*data.shape[:-1], -1)


def _pairs(data: Bytes, run: int) -> Bytes:
    """[…, n] → […, 4 n]: of each run of bytes the lowest two bits, then the next two, and so on."""
    parts = data.reshape(*data.shape[:-1], -1, 1, run)
    return np.concatenate([parts >> shift & 3 for shift in (0, 2, 4, 6)], axis=-2).reshape(*data.shape[:-1], -1)


def _high_bits(data: Bytes) -> Bytes:
    """[…, 4] → […, 32]: the bits, lowest first."""
    return np.unpackbits(data, axis=-1, bitorder="little")


def _scale_min(packed: Bytes) -> tuple[Floats, Floats]:
    """[…, 12] → scales and minima `[…, 8]`, six bits each (`get_scale_min_k4` of ggml)."""
    scales, minima, upper = np.split(packed, 3, axis=-1)
    first = np.concatenate([scales & 63, (upper & 15) | (scales >> 2 & 48)], axis=-1)
    second = np.concatenate([minima & 63, (upper >> 4) | (minima >> 2 & 48)], axis=-1)
    return first.astype(np.float32), second.astype(np.float32)


def _symmetric(values: npt.NDArray[np.int8], scales: Floats, size: int) -> Groups:
    rows = len(values)
    return Groups(values.reshape(rows, -1, size), scales.reshape(rows, -1, 1).astype(np.float16), None, 8)


def _affine(values: Bytes, scales: Floats, minima: Floats, size: int, bits: int) -> Groups:
    """Groups of `values * scales + minima`. A group without a scale is all minimum: value 0, zero point -1."""
    rows = len(values)
    values, scales, minima = values.reshape(rows, -1, size), scales.reshape(rows, -1, 1), minima.reshape(rows, -1, 1)
    steps = scales.astype(np.float16)
    flat = np.abs(minima) > np.abs(steps.astype(np.float32)) * LARGEST_ZERO
    steps = np.where(flat, minima.astype(np.float16), steps)
    zeros = np.where(flat, np.float32(-1), -minima / np.where(steps == 0, np.float32(1), steps.astype(np.float32)))
    return Groups(np.where(flat, np.uint8(0), values), steps, zeros.astype(np.float16), bits)


def _q4_0(data: Bytes) -> Groups:
    scales, quants = _split(data, 2, 16)
    values = _nibbles(quants, 16).reshape(len(data), -1, 32)
    steps = _half(scales).astype(np.float16)
    return Groups(values, steps, np.full(steps.shape, 8, np.uint8), 4)


def _q4_1(data: Bytes) -> Groups:
    scales, minima, quants = _split(data, 2, 2, 16)
    return _affine(_nibbles(quants, 16), _half(scales), _half(minima), 32, 4)


def _q5_0(data: Bytes) -> Groups:
    scales, high, quants = _split(data, 2, 4, 16)
    values = (_nibbles(quants, 16) | _high_bits(high) << 4).astype(np.int8) - np.int8(16)
    return _symmetric(values, _half(scales), 32)


def _q5_1(data: Bytes) -> Groups:
    scales, minima, high, quants = _split(data, 2, 2, 4, 16)
    values = (_nibbles(quants, 16) | _high_bits(high) << 4).astype(np.uint8)
    return _affine(values, _half(scales), _half(minima), 32, 8)


def _q8_0(data: Bytes) -> Groups:
    scales, quants = _split(data, 2, 32)
    return _symmetric(np.ascontiguousarray(quants).view(np.int8), _half(scales), 32)


def _q2_k(data: Bytes) -> Groups:
    packed, quants, scale, minimum = _split(data, 16, 64, 2, 2)
    return _affine(_pairs(quants, 32), _half(scale) * (packed & 15), -_half(minimum) * (packed >> 4), 16, 4)


def _q3_k(data: Bytes) -> Groups:
    high, quants, packed, scale = _split(data, 32, 64, 12, 2)
    upper = np.concatenate([high[..., np.newaxis, :] >> bit & 1 for bit in range(8)], axis=-2)
    values = _pairs(quants, 32).astype(np.int8) - (4 - 4 * upper.reshape(*quants.shape[:-1], -1)).astype(np.int8)
    lower, top = packed[..., :8], packed[..., 8:]
    sixths = _nibbles(lower, 8) | _pairs(top, 4) << 4
    return _symmetric(values, _half(scale) * (sixths.astype(np.float32) - 32), 16)


def _q4_k(data: Bytes) -> Groups:
    scale, minimum, packed, quants = _split(data, 2, 2, 12, 128)
    scales, minima = _scale_min(packed)
    return _affine(_nibbles(quants, 32), _half(scale) * scales, -_half(minimum) * minima, 32, 4)


def _q5_k(data: Bytes) -> Groups:
    scale, minimum, packed, high, quants = _split(data, 2, 2, 12, 32, 128)
    scales, minima = _scale_min(packed)
    upper = np.concatenate([high[..., np.newaxis, :] >> bit & 1 for bit in range(8)], axis=-2)
    values = (_nibbles(quants, 32) | upper.reshape(*quants.shape[:-1], -1) << 4).astype(np.uint8)
    return _affine(values, _half(scale) * scales, -_half(minimum) * minima, 32, 8)


def _q6_k(data: Bytes) -> Groups:
    quants, high, packed, scale = _split(data, 128, 64, 16, 2)
    values = (_nibbles(quants, 64) | _pairs(high, 32) << 4).astype(np.int8) - np.int8(32)
    return _symmetric(values, _half(scale) * np.ascontiguousarray(packed).view(np.int8), 16)


def _iq4_nl(data: Bytes) -> Groups:
    scales, quants = _split(data, 2, 16)
    return _symmetric(IQ4_VALUES[_nibbles(quants, 16)], _half(scales), 32)


def _iq4_xs(data: Bytes) -> Groups:
    scale, upper, lower, quants = _split(data, 2, 2, 4, 128)
    scales = (_nibbles(lower, 1) | _pairs(upper, 1) << 4).astype(np.float32) - 32
    return _symmetric(IQ4_VALUES[_nibbles(quants, 16)], _half(scale) * scales, 32)


def _mxfp4(data: Bytes) -> Groups:
    exponents, quants = _split(data, 1, 16)
    # The values are doubled, so that they are integers; the scale is half of the power of two.
    return _symmetric(FP4_VALUES[_nibbles(quants, 16)], np.exp2(exponents.astype(np.float32) - 128), 32)


READERS: dict[Kind, Callable[[Bytes], Groups]] = {
    Kind.Q4_0: _q4_0,
    Kind.Q4_1: _q4_1,
    Kind.Q5_0: _q5_0,
    Kind.Q5_1: _q5_1,
    Kind.Q8_0: _q8_0,
    Kind.Q2_K: _q2_k,
    Kind.Q3_K: _q3_k,
    Kind.Q4_K: _q4_k,
    Kind.Q5_K: _q5_k,
    Kind.Q6_K: _q6_k,
    Kind.IQ4_NL: _iq4_nl,
    Kind.IQ4_XS: _iq4_xs,
    Kind.MXFP4: _mxfp4,
}
