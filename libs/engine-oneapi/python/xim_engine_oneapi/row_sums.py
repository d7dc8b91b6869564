"""Sums over whole rows of logits, for many rows in one inference on all threads."""

from __future__ import annotations

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from xim_generation.runner import Floats


class RowSums:
    """ln of the sum of exp(scale * logit) over each row: about half of numpy's time for 32 rows."""

    def __init__(self, threads: int) -> None:
        logits = ops.parameter([-1, -1], ov.Type.f32)
        scales = ops.parameter([-1, 1], ov.Type.f32)
        scaled = ops.multiply(logits, scales)
        last = ops.constant(np.array([1], np.int64))
        best = ops.reduce_max(scaled, last, keep_dims=True)
        total = ops.reduce_sum(ops.exp(ops.subtract(scaled, best)), last, keep_dims=True)
        model = ov.Model([ops.add(ops.log(total), best)], [logits, scales], "row_sums")
        properties = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        self._request = ov.Core().compile_model(model, "CPU", properties).create_infer_request()

    def __call__(self, logits: Floats, scales: Floats) -> Floats:
        """`logits` [R, vocabulary], `scales` [R]. Returns [R], valid until the next call."""
        columns = scales.reshape(-1, 1)
        self._request.set_input_tensor(0, ov.Tensor(logits, shared_memory=True))
        self._request.set_input_tensor(1, ov.Tensor(columns, shared_memory=True))
        self._request.infer()
        sums: Floats = self._request.get_output_tensor(0).data
        return sums.reshape(-1)
