"""Products of one input with several weights as one product: a decode step has few rows, and the number of products
costs it most."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import openvino as ov
from openvino import Node
from openvino import opset13 as op

_LEAST = 3
"""Queries, keys and values. Two products, as of a feed-forward, stay apart: their outputs are wide, and the copy of
their parts costs a prompt more than a step gains."""


def join_products(model: ov.Model) -> int:
    """Joins them in place; returns how many products are joined. Exact: each row of the weights is computed as before.

    Weights are constants, compressed or not, in the patterns that exporters write: Convert, Subtract, Multiply and
    Reshape over constants whose first dimension is the rows. Others are left as they are.
    """
    groups: dict[tuple[str, int], list[Node]] = defaultdict(list)
    for node in model.get_ordered_ops():
        if node.get_type_name() == "MatMul" and not node.get_attributes()["transpose_a"]:
            source = node.input_value(0)
            if node.get_attributes()["transpose_b"]:
                groups[source.get_node().get_name(), source.get_index()].append(node)
    joined = 0
    for products in groups.values():
        if len(products) < _LEAST:
            continue
        weights = _below([product.input_value(1).get_node() for product in products])
        if weights is None:
            continue
        sizes = [product.input_value(1).get_shape()[0] for product in products]
        whole = op.matmul(products[0].input_value(0), weights, False, True)
        parts = op.variadic_split(whole, op.constant(np.int64(-1)), op.constant(np.array(sizes, np.int64)))
        for product, part in zip(products, parts.outputs(), strict=True):
            product.output(0).replace(part)
        joined += len(products)
    model.validate_nodes_and_infer_types()
    return joined


def _below(nodes: list[Node]) -> Node | None:
    """Weights `[R1 + R2 + …, C]` from weights `[R, C]`; None for an unknown pattern."""
    kind = nodes[0].get_type_name()
    if any(node.get_type_name() != kind for node in nodes):
        return None
    if kind == "Constant":
        return _constants_below(nodes)
    if kind == "Convert":
        source = _below([node.input_value(0).get_node() for node in nodes])
        return None if source is None else op.convert(source, nodes[0].get_element_type())
    if kind == "Reshape":
        source = _below([node.input_value(0).get_node() for node in nodes])
        rows = sum(node.get_output_shape(0)[0] for node in nodes)
        shape = np.array([rows, *list(nodes[0].get_output_shape(0))[1:]], np.int64)
        return None if source is None else op.reshape(source, op.constant(shape), False)
    if kind in ("Subtract", "Multiply"):
        left, right = (_below([node.input_value(side).get_node() for node in nodes]) for side in (0, 1))
        if left is None or right is None:
            return None
        return op.subtract(left, right) if kind == "Subtract" else op.multiply(left, right)
    return None


def _constants_below(nodes: list[Node]) -> Node | None:
    shapes = [list(node.get_output_shape(0)) for node in nodes]
    types = {str(node.get_element_type()) for node in nodes}
    if len(types) > 1 or any(not shape or shape[1:] != shapes[0][1:] for shape in shapes):
        return None
    tensor = ov.Tensor(nodes[0].get_element_type(), ov.Shape([sum(shape[0] for shape in shapes), *shapes[0][1:]]))
    target, at = tensor.data.reshape(-1), 0
    for node in nodes:
        data = node.data.reshape(-1)
        target[at : at + data.size] = data
        at += data.size
    return op.constant(tensor) if at == target.size else None
