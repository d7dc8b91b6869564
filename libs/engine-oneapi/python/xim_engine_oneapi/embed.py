"""The encoder of the tasks `embed` and `rerank`: a transformer in ONNX or OpenVINO IR, compiled by OpenVINO."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from xim_embedding.encoder import Floats, Int64s
from xim_worker import Context, Runtime, StartError

from .infer_pool import compile_pool
from .runtime import describe_runtime
from .weights import IR, find_weights, weight_bytes

# Kernels that OpenVINO keeps for shapes it has seen. Batches of texts have thousands of shapes, and its default of
# 5,000 kernels takes two megabytes for each new shape. This number is as fast for the shapes that come again.
_CACHED_KERNELS = 256
_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")


class OpenVINOEncoder:
    """The profile's option `streams` is the number of batches that run at once, each with its share of the threads."""

    few_shapes = True

    def __init__(self, context: Context) -> None:
        threads = context.plan.threads
        weights = find_weights(context, ".onnx", IR)
        # Two batches side by side beat one over all threads (less waiting for each other); more streams would make one
        # long text slow.
        self.parallel = int(context.options.get("streams", min(2, threads)))
        context.progress("compiling the model", None)
        self._model, pool = compile_pool(
            weights, weight_bytes(weights), threads, self.parallel, {"CPU_RUNTIME_CACHE_CAPACITY": _CACHED_KERNELS}
        )
        self._inputs = {port.get_any_name() for port in self._model.inputs}
        unknown = self._inputs.difference(_INPUTS)
        if unknown:
            raise StartError(
                f"{weights.name} has the inputs {', '.join(sorted(unknown))}; known are {', '.join(_INPUTS)}",
                permanent=True,
            )
        # Every one of them runs once before the service is ready.
        for self._requests in pool.each():
            with self.forward(np.zeros((1, 8), np.int64), np.ones((1, 8), np.int64)):
                pass
        self._requests = pool

    @contextmanager
    def forward(self, ids: Int64s, mask: Int64s, segments: Int64s | None = None) -> Iterator[Floats]:
        positions = np.broadcast_to(np.arange(ids.shape[1], dtype=np.int64), ids.shape)
        values = (ids, mask, np.zeros_like(ids) if segments is None else segments, positions.copy())
        wanted = {name: value for name, value in zip(_INPUTS, values, strict=True) if name in self._inputs}
        with self._requests.take() as infer:
            # Shared, not copied: the caller reads the output before the request runs again.
            yield infer.infer(wanted, share_inputs=True, share_outputs=True)[0]

    def describe(self) -> tuple[Runtime, str]:
        return describe_runtime(self._model)
