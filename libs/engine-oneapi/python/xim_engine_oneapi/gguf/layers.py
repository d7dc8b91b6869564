"""Products and norms of a graph with the weights of a GGUF file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from openvino import Node, Output
from openvino import opset13 as op

from .constants import Order, matrix, stack, vector
from .container import GgufTensor
from .nodes import integers, number


class Layers:
    """`int8_group`: quantised weights become i8 in groups of this many; None: they stay as in the file."""

    def __init__(self, tensors: Mapping[str, GgufTensor], epsilon: float, int8_group: int | None) -> None:
        self.tensors, self._epsilon, self._int8_group = tensors, epsilon, int8_group

    def has(self, name: str) -> bool:
        """Whether the file has the weights of this name."""
        return name + ".weight" in self.tensors

    def linear(self, name: str, hidden: Node | Output, order: Order | None = None) -> Node:
        return self.joined([name], [order], hidden)

    def joined(self, names: list[str], orders: Sequence[Order | None], hidden: Node | Output) -> Node:
        """One product with the weights of tensors of one kind, below each other; with their biases."""
        parts = [
            (self.tensors[name + ".weight"], self.tensors.get(name + ".bias"), order)
            for name, order in zip(names, orders, strict=False)
        ]
        node = op.matmul(
            hidden, self.matrix([weight for weight, _, _ in parts], [order for *_, order in parts]), False, True
        )
        if all(bias is None for _, bias, _ in parts):
            return node
        values = [
            np.zeros(weight.shape[0], np.float32)
            if bias is None
            else vector(bias)[slice(None) if order is None else order]
            for weight, bias, order in parts
        ]
        return op.add(node, op.constant(np.concatenate(values)))

    def matrix(self, tensors: list[GgufTensor], orders: Sequence[Order | None] = ()) -> Node:
        return matrix(tensors, orders, self._int8_group)

    def norm(self, name: str, hidden: Node) -> Node:
        """Root mean square norm over the last axis. Gemma's `1 + weight` is in the file already."""
        mean = op.reduce_mean(op.power(hidden, number(2.0)), integers(-1), True)
        inverse = op.divide(number(1.0), op.sqrt(op.add(mean, number(self._epsilon))))
        return op.multiply(op.multiply(hidden, inverse), op.constant(vector(self.tensors[name + ".weight"])))

    def norm_if_there(self, name: str, hidden: Node) -> Node:
        """A norm that only some families have."""
        return self.norm(name, hidden) if self.has(name) else hidden

    def experts(self, name: str) -> Node:
        """Weights `[experts, rows, columns]`."""
        return stack(self.tensors[name + ".weight"], self._int8_group)
