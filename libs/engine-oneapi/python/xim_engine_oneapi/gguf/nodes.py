"""Constants and small operations of an OpenVINO graph."""

from __future__ import annotations

import numpy as np
from openvino import Node, Output
from openvino import opset13 as op


def scaled(node: Node, factor: float) -> Node:
    return node if factor == 1.0 else op.multiply(node, number(factor))


def slice_last(node: Node, start: int, end: int) -> Node:
    return op.slice(node, integers(start), integers(end), integers(1), integers(-1))


def split_last(node: Node, *sizes: int) -> list[Output]:
    """Parts of the last axis."""
    parts: list[Output] = op.variadic_split(node, integer(-1), integers(*sizes)).outputs()
    return parts


def number(value: float) -> Node:
    return op.constant(np.array(value, np.float32))


def integer(value: int) -> Node:
    return op.constant(np.array(value, np.int64))


def integer32(value: int) -> Node:
    return op.constant(np.array(value, np.int32))


def integers(*values: int) -> Node:
    return op.constant(np.array(values, np.int64))


def empty(kind: type[np.generic]) -> Node:
    return op.constant(np.zeros(0, kind))
