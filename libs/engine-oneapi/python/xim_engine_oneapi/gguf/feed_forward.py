"""The feed-forward block: one network, or a mixture of experts of which only the chosen ones are computed.

The mixture has the form that the CPU plugin recognises: it replaces the three products over all experts by products
that gather the weights of the chosen ones (`ConvertTiledMoeBlockTo3GatherMatmuls` of OpenVINO).
"""

from __future__ import annotations

import numpy as np
from openvino import Node
from openvino import opset13 as op

from .families import Family
from .layers import Layers
from .nodes import integer, integers


def feed_forward(layers: Layers, name: str, hidden: Node, family: Family, experts: int) -> Node:
    """[T, 1, hidden] → [T, 1, hidden]. `name` begins the tensors' names; `experts`: of a token, 0: no mixture."""
    if experts:
        return _mixture(layers, name, hidden, experts)
    if layers.has(name + "ffn_gate"):
        gate, up = layers.linear(name + "ffn_gate", hidden), layers.linear(name + "ffn_up", hidden)
    else:  # both in one tensor, the gate first
        size = int(layers.tensors[name + "ffn_up.weight"].shape[0]) // 2
        gate, up = (
            layers.linear(name + "ffn_up", hidden, np.arange(start, start + size, dtype=np.int64))
            for start in (0, size)
        )
    gate = op.swish(gate) if family.activation == "silu" else op.gelu(gate, "tanh")
    return layers.linear(name + "ffn_down", op.multiply(gate, up))


def _mixture(layers: Layers, name: str, hidden: Node, used: int) -> Node:
    """The sum of the `used` most probable experts by their shares of probability.

    Source: "Mixtral of Experts" (arXiv 2401.04088), section 2.1; Qwen3-MoE is the same with `norm_topk_prob`.
    """
    count, _, size = layers.tensors[name + "ffn_gate_exps.weight"].shape
    rows = op.reshape(hidden, integers(-1, size), False)
    chances = op.softmax(layers.linear(name + "ffn_gate_inp", rows), -1)
    best = op.topk(chances, integer(used), -1, "max", "value", index_element_type="i64")
    shares = op.divide(best.output(0), op.reduce_sum(best.output(0), integers(-1), True))

    every = op.reshape(op.tile(rows, integers(count, 1)), integers(count, -1, size), False)
    gate = op.matmul(every, layers.experts(name + "ffn_gate_exps"), False, True)
    # In this form it becomes the operation Swish without its second input, which the pattern does not have.
    inner = op.multiply(
        op.multiply(gate, op.sigmoid(gate)), op.matmul(every, layers.experts(name + "ffn_up_exps"), False, True)
    )
    answers = op.reshape(
        op.matmul(inner, layers.experts(name + "ffn_down_exps"), False, True), integers(count, 1, -1, size), False
    )

    none = op.broadcast(op.constant(np.float32(0)), op.shape_of(chances))
    table = op.scatter_elements_update(none, best.output(1), shares, integer(1))
    table = op.reshape(op.transpose(table, integers(1, 0)), integers(count, 1, -1), False)
    total = op.reduce_sum(op.multiply(answers, op.unsqueeze(table, integers(-1))), integers(0), False)
    return op.reshape(total, integers(-1, 1, size), False)
