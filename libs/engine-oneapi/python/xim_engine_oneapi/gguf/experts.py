"""A mixture of experts as the CPU plugin recognises it: only the chosen experts are computed.

The plugin replaces the three products over all experts by products that gather the weights of the chosen ones
(`ConvertTiledMoeBlockTo3GatherMatmuls` of OpenVINO). The order of the operations is its pattern.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from openvino import Node
from openvino import opset13 as op


@dataclass(frozen=True)
class Experts:
    """Weights of a feed-forward block with E experts."""

    router: Node
    """[E, hidden]"""
    gate: Node
    """[E, inner, hidden]"""
    up: Node
    """[E, inner, hidden]"""
    down: Node
    """[E, hidden, inner]"""


def mixture(hidden: Node, experts: Experts, used: int) -> Node:
    """[T, 1, hidden] → [T, 1, hidden]: the sum of the `used` most probable experts by their shares of probability.

    Source: "Mixtral of Experts" (arXiv 2401.04088), section 2.1; Qwen3-MoE is the same with `norm_topk_prob`.
    """
    count, size = (int(length) for length in (experts.gate.shape[0], experts.gate.shape[2]))
    rows = op.reshape(hidden, _integers(-1, size), False)
    chances = op.softmax(op.matmul(rows, experts.router, False, True), -1)
    best = op.topk(chances, _integer(used), -1, "max", "value", index_element_type="i64")
    shares = op.divide(best.output(0), op.reduce_sum(best.output(0), _integers(-1), True))

    every = op.reshape(op.tile(rows, _integers(count, 1)), _integers(count, -1, size), False)
    gate = op.matmul(every, experts.gate, False, True)
    # In this form it becomes the operation Swish without its second input, which the pattern does not have.
    inner = op.multiply(op.multiply(gate, op.sigmoid(gate)), op.matmul(every, experts.up, False, True))
    answers = op.reshape(op.matmul(inner, experts.down, False, True), _integers(count, 1, -1, size), False)

    none = op.broadcast(op.constant(np.float32(0)), op.shape_of(chances))
    table = op.scatter_elements_update(none, best.output(1), shares, _integer(1))
    table = op.reshape(op.transpose(table, _integers(1, 0)), _integers(count, 1, -1), False)
    total = op.reduce_sum(op.multiply(answers, op.unsqueeze(table, _integers(-1))), _integers(0), False)
    return op.reshape(total, _integers(-1, 1, size), False)


def _integer(value: int) -> Node:
    return op.constant(np.array(value, np.int64))


def _integers(*values: int) -> Node:
    return op.constant(np.array(values, np.int64))
