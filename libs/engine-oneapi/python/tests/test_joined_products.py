"""A model with joined products computes the same values as before."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import Node, Type
from openvino import opset13 as op
from xim_engine_oneapi.joined_products import join_products

COLUMNS = 64
SIZES = (32, 16, 16)


def _plain(rows: int, random: np.random.Generator) -> Node:
    return op.constant(random.standard_normal((rows, COLUMNS), np.float32))


def _half(rows: int, random: np.random.Generator) -> Node:
    return op.convert(op.constant(random.standard_normal((rows, COLUMNS)).astype(np.float16)), Type.f32)


def _rowwise(rows: int, random: np.random.Generator) -> Node:
    """u8 with a scale and a zero point for each row."""
    values = op.convert(op.constant(random.integers(0, 255, (rows, COLUMNS), np.uint8)), Type.f16)
    zeros = op.convert(op.constant(random.integers(120, 136, (rows, 1), np.uint8)), Type.f16)
    scales = op.constant(random.uniform(0.01, 0.02, (rows, 1)).astype(np.float16))
    return op.convert(op.multiply(op.subtract(values, zeros), scales), Type.f32)


def _grouped(rows: int, random: np.random.Generator) -> Node:
    """u4 in groups of 32."""
    tensor = ov.Tensor(Type.u4, ov.Shape([rows, COLUMNS // 32, 32]))
    tensor.data.reshape(-1)[:] = random.integers(0, 255, rows * COLUMNS // 2, np.uint8)
    scales = op.constant(random.uniform(0.01, 0.02, (rows, COLUMNS // 32, 1)).astype(np.float16))
    groups = op.multiply(op.convert(op.constant(tensor), Type.f16), scales)
    return op.convert(op.reshape(groups, op.constant(np.array([rows, COLUMNS], np.int64)), False), Type.f32)


def _model(*weights: Node) -> ov.Model:
    hidden = op.parameter([-1, COLUMNS], Type.f32)
    return ov.Model([op.result(op.matmul(hidden, each, False, True)) for each in weights], [hidden])


def _products(model: ov.Model) -> int:
    return sum(node.get_type_name() == "MatMul" for node in model.get_ops())


def _outputs(model: ov.Model, rows: np.ndarray[Any, Any]) -> list[Any]:
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return list(compiled([rows]).values())


@pytest.mark.parametrize("kind", [_plain, _half, _rowwise, _grouped])
def test_three_products_of_one_input_are_one(kind: Any) -> None:
    random = np.random.default_rng(1)
    model = _model(*(kind(size, random) for size in SIZES))
    rows = random.standard_normal((5, COLUMNS), np.float32)
    before = [output.copy() for output in _outputs(model.clone(), rows)]

    assert join_products(model) == 3

    assert _products(model) == 1
    for output, expected in zip(_outputs(model, rows), before, strict=True):
        np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kinds", [(_plain, _plain), (_plain, _half, _plain), (_grouped, _rowwise, _grouped)])
def test_two_products_and_other_patterns_stay(kinds: Any) -> None:
    random = np.random.default_rng(2)
    model = _model(*(kind(16, random) for kind in kinds))

    assert join_products(model) == 0

    assert _products(model) == len(kinds)
