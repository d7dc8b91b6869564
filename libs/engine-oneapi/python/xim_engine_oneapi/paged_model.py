"""A language model in OpenVINO IR as a graph for paged attention.

The only file that uses `openvino._offline_transformations`, which promises no stability: requirements.lock pins the
version, and a test holds the names and types of the inputs.
"""

from __future__ import annotations

import re

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from openvino._offline_transformations import paged_attention_transformation
from xim_worker import StartError

_INPUTS = {
    *("input_ids", "position_ids", "past_lens", "subsequence_begins"),
    *("block_indices", "block_indices_begins", "max_context_len"),
}

# The state that the transformation replaces by blocks; a model without it is not a language model with a cache.
_STATE = "ReadValue"


def is_stateful(model: ov.Model) -> bool:
    """Whether the model keeps keys and values as state, as exporters of language models write it."""
    return any(operation.get_type_name() == _STATE for operation in model.get_ops())


def to_paged(model: ov.Model) -> ov.Model:
    """The same model, changed in place.

    Inputs: `input_ids` and `position_ids` [tokens] i64, `past_lens`, `subsequence_begins`, `block_indices`,
    `block_indices_begins` i32, `max_context_len` i32, `rows` [rows] i64, and `key_cache.N` and `value_cache.N` whose
    shapes the device decides. Output: logits [rows, vocabulary] of the tokens whose indices are in `rows`.

    Raises StartError, permanent, for a model that needs other inputs.
    """
    paged_attention_transformation(model)
    _refuse_other_inputs(model)
    gather_rows(model)
    return model


def _refuse_other_inputs(model: ov.Model) -> None:
    """A convolution or a recurrence becomes inputs such as `conv_state_table.0` and `la.block_indices`."""
    names = [port.any_name for port in model.inputs]
    other = [name for name in names if name not in _INPUTS and not re.fullmatch(r"(key|value)_cache\.\d+|\d+", name)]
    missing = sorted(_INPUTS - set(names))
    if other or missing:
        found = f"needs {', '.join(other[:3])}" if other else f"lacks {', '.join(missing)}"
        raise StartError(
            f"the graph {found}: a model with a convolution, a recurrence or biases in place of positions (such as "
            "LFM2, Qwen3.5, Bloom) is not served from OpenVINO IR; a service with the engine ipex serves it from "
            "safetensors",
            permanent=True,
        )


def gather_rows(model: ov.Model) -> None:
    """Adds the input `rows`: only the hidden states of these tokens reach the last MatMul."""
    head = _head(model.outputs[0].get_node())
    rows = ops.parameter([-1], ov.Type.i64, name="rows")
    rows.output(0).set_names({"rows"})
    gathered = ops.gather(head.input_value(0), rows, ops.constant(0, dtype=np.int64))
    head.input(0).replace_source_output(gathered.output(0))
    model.add_parameters([rows])
    model.validate_nodes_and_infer_types()


def _head(node: ov.Node) -> ov.Node:
    """The MatMul that makes the logits: the first one on the way up from the result."""
    while node.get_type_name() != "MatMul":
        node = node.input_value(0).get_node()
    return node
