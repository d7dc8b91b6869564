"""Tensors of a GGUF file as constants of an OpenVINO graph."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType as Kind
from gguf.quants import dequantize
from openvino import Node, Shape, Tensor, Type
from openvino import opset13 as op

from .container import GgufTensor
from .groups import FLOATS, Groups, to_groups, to_int8

Order = npt.NDArray[np.int64]


def vector(tensor: GgufTensor) -> npt.NDArray[np.float32]:
    """A small tensor in f32: a norm or a bias."""
    return np.asarray(dequantize(tensor.data, tensor.kind), np.float32)


def matrix(
    tensors: Sequence[GgufTensor], orders: Sequence[Order | slice | None] = (), int8_group: int | None = None
) -> Node:
    """Weights `[rows, columns]` as an f32 node over compressed constants, which the CPU plugin does not unpack.

    `tensors`: of one kind and one number of columns; their rows stand below each other. `orders`: the rows to take of
    each and their order; all of them in the file's order by default. `int8_group`: quantised weights become i8 in
    groups of this many.
    """
    kind = tensors[0].kind
    parts = [tensor.data if order is None else tensor.data[order] for tensor, order in zip_longest(tensors, orders)]
    data = np.asarray(parts[0] if len(parts) == 1 else np.concatenate(parts))
    if kind == Kind.F32:
        return op.constant(np.ascontiguousarray(data))
    if kind in FLOATS:
        return op.convert(op.constant(_halves(kind, data)), Type.f32)
    return grouped(to_groups(kind, data) if int8_group is None else to_int8(kind, data, int8_group))


def stack(tensor: GgufTensor, int8_group: int | None = None) -> Node:
    """The weights of experts `[experts, rows, columns]`, as `matrix` has those of one product."""
    kind, data = tensor.kind, np.asarray(tensor.data)
    if kind == Kind.F32:
        return op.constant(np.ascontiguousarray(data))
    if kind in FLOATS:
        return op.convert(op.constant(_halves(kind, data)), Type.f32)
    rows = data.reshape(-1, data.shape[-1])
    groups = to_groups(kind, rows) if int8_group is None else to_int8(kind, rows, int8_group)
    return grouped(groups, tensor.shape[0])


def grouped(groups: Groups, experts: int = 0) -> Node:
    """An f32 node that unpacks groups, in the pattern that the CPU plugin's compressed kernels recognise.

    `[R, C]`, or `[experts, R / experts, C]`.
    """
    if experts:
        groups = groups.stacked(experts)
    *rows, count, size = groups.values.shape
    node = op.convert(_u4(groups) if groups.bits == 4 else op.constant(groups.values), Type.f16)
    if groups.zeros is not None:
        zeros = op.constant(groups.zeros)
        node = op.subtract(node, op.convert(zeros, Type.f16) if groups.zeros.dtype == np.uint8 else zeros)
    node = op.multiply(node, op.constant(groups.scales))
    node = op.reshape(node, op.constant(np.array([*rows, count * size], np.int64)), False)
    return op.convert(node, Type.f32)


def _halves(kind: Kind, data: npt.NDArray[np.generic]) -> Tensor:
    if kind == Kind.BF16:
        raw = np.ascontiguousarray(data).view(np.uint16)
        tensor = Tensor(Type.bf16, Shape(list(raw.shape)))
        tensor.data.view(np.uint16)[:] = raw
        return tensor
    return Tensor(np.ascontiguousarray(data))


def _u4(groups: Groups) -> Node:
    pairs = groups.values.reshape(-1, 2)
    tensor = Tensor(Type.u4, Shape(list(groups.values.shape)))
    tensor.data.reshape(-1)[:] = pairs[:, 0] | pairs[:, 1] << 4
    return op.constant(tensor)
