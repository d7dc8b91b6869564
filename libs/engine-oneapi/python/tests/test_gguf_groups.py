"""Groups of quantised tensors against ggml's own dequantisation, at the edges of f16."""

from __future__ import annotations

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from gguf.quants import dequantize, quantize
from gguf_files import random_tensor
from xim_engine_oneapi.gguf.groups import READERS, quantise, to_groups, to_int8

HALF = 2.0**-11
"""Largest relative error of a number rounded to f16."""


@pytest.mark.parametrize("kind", READERS, ids=lambda kind: str(kind.name))
def test_groups_stand_for_ggmls_weights(kind: Kind) -> None:
    data = random_tensor(np.random.default_rng(5), kind, 12, 1024).view(np.uint8)
    expected = dequantize(data, kind)
    groups = to_groups(kind, data)
    assert np.abs(groups.weights() - expected).max() <= 2 * HALF * np.abs(expected).max()
    order = np.array([7, 0, 7])
    np.testing.assert_array_equal(groups.take(order).weights(), groups.weights()[order])


@pytest.mark.parametrize("kind", [Kind.Q4_1, Kind.Q5_1], ids=lambda kind: str(kind.name))
@pytest.mark.parametrize("step", [0.0, 6e-8, 1e-5])
def test_a_group_of_nearly_equal_weights(kind: Kind, step: float) -> None:
    """Its minimum in steps is beyond f16."""
    weights = (np.arange(32, dtype=np.float32) * step - 0.75)[np.newaxis]
    data = quantize(weights, kind)
    expected = dequantize(data, kind)
    assert np.abs(to_groups(kind, data).weights() - expected).max() <= max(2 * HALF * 0.75, 31 * step)


@pytest.mark.parametrize("kind", [Kind.Q4_0, Kind.Q4_1, Kind.Q8_0], ids=lambda kind: str(kind.name))
def test_zeros_stay_zeros(kind: Kind) -> None:
    data = quantize(np.zeros((2, 64), np.float32), kind)
    np.testing.assert_array_equal(to_groups(kind, data).weights(), 0)


@pytest.mark.parametrize("columns", [64, 40])
def test_quantised_weights_are_close(columns: int) -> None:
    weights = np.random.default_rng(5).standard_normal((3, columns)).astype(np.float32)
    weights[1] = 0
    largest = np.abs(weights).max()
    assert np.abs(quantise(weights).weights() - weights).max() <= largest / 254 + HALF * largest


@pytest.mark.parametrize("kind", [Kind.Q4_1, Kind.Q6_K, Kind.IQ2_XS], ids=lambda kind: str(kind.name))
def test_every_kind_becomes_int8(kind: Kind) -> None:
    """More rows than are converted at a time."""
    data = random_tensor(np.random.default_rng(5), kind, 2060, 256).view(np.uint8)
    groups = to_int8(kind, data, 64)
    assert groups.values.dtype == np.int8
    assert (groups.values.shape, groups.zeros) == ((2060, 4, 64), None)
    expected = dequantize(data, kind)
    largest = np.abs(expected).max()
    assert np.abs(groups.weights() - expected).max() <= largest / 254 + 3 * HALF * largest
