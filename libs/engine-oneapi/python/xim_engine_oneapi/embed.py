"""The task `embed`: one unit vector per text, from a transformer encoder in ONNX or OpenVINO IR."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
from xim_worker import Context, Event, Info, InvalidInput, Item, Request, StartError

from .batch_shape import padded_rows, padded_tokens
from .infer_pool import InferPool
from .pooling import POOLINGS, to_unit
from .runtime import describe_runtime
from .text_tokens import TextTokens
from .weights import IR, find_weights, weight_bytes

Vector = npt.NDArray[np.float32]

# A model compiled a second time, for a batch that is alone, holds its weights a second time.
_MOST_COPIED_BYTES = 512 * 2**20
_FEW_THREADS = 4


class Embed:
    """A BatchHandler; every item's data is its tokens.

    The profile's options: `pooling` (`mean`, the default, or `cls`) and `streams`.
    """

    parallel = 1
    """Streams of the compiled model, each with its share of the threads; set by `load`."""

    def load(self, context: Context) -> Info:
        shape, options, threads = context.model["shape"], context.options, context.plan.threads
        weights = find_weights(context, ".onnx", IR)
        self._pool = _to_pool(options)
        self._dimensions = int(shape["dimensions"])
        self._truncatable = bool(shape.get("truncatable", False))
        # Two batches side by side beat one over all threads (less waiting for each other); more streams would make one
        # long text slow.
        self.parallel = int(options.get("streams", min(2, threads)))

        context.progress("reading the tokenizer", None)
        self._most_tokens = int(shape["contextLength"])
        self._tokens = TextTokens(f"{context.model_path}/tokenizer.json", self._most_tokens)
        context.progress("compiling the model", None)
        config = {"INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False}
        core = ov.Core()
        model = core.compile_model(str(weights), "CPU", {**config, "NUM_STREAMS": self.parallel})
        self._inputs = {port.get_any_name() for port in model.inputs}
        requests = [model.create_infer_request() for _ in range(self.parallel)]
        alone = None
        if _is_worth_a_copy(threads, self.parallel, weight_bytes(weights)):
            alone = core.compile_model(str(weights), "CPU", {**config, "NUM_STREAMS": 1}).create_infer_request()
        # Every one of them runs once before the service is ready.
        for request in [*requests, *([] if alone is None else [alone])]:
            self._requests = InferPool([request])
            self._prove()
        self._requests = InferPool(requests, alone)
        runtime, dtype = describe_runtime(model)
        return Info(
            runtime=runtime,
            models=[context.model["id"]],
            dtype=dtype,
            slots=context.plan.slots,
            context_length=self._most_tokens,
            dimensions=self._dimensions,
        )

    def prepare(self, request: Request) -> list[Item]:
        self._check_dimensions(request.get("dimensions"))
        return [Item(len(tokens), tokens) for tokens in self._tokens.read(request["items"])]

    def run(self, items: Sequence[Item]) -> list[Vector]:
        shape = padded_rows(len(items)), padded_tokens(max(item.size for item in items), self._most_tokens)
        ids = np.zeros(shape, np.int64)
        mask = np.zeros(shape, np.int64)
        # A row that is only there for the shape attends to one token, since a mean over none is no number.
        mask[len(items) :, 0] = 1
        for row, item in enumerate(items):
            ids[row, : item.size] = item.data
            mask[row, : item.size] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        wanted = {name: value for name, value in inputs.items() if name in self._inputs}
        with self._requests.take() as infer:
            # Shared, not copied: what is read from the output here is read before the request runs again.
            hidden = infer.infer(wanted, share_inputs=True, share_outputs=True)[0]
            return list(to_unit(self._pool(hidden, mask)[: len(items)]))

    def finish(self, request: Request, items: Sequence[Item], results: Sequence[Vector]) -> Event:
        dimensions = request.get("dimensions") or self._dimensions
        vectors = np.stack(results)
        if dimensions < self._dimensions:
            vectors = to_unit(vectors[:, :dimensions])
        return {
            "type": "result",
            "vectors": vectors.astype("<f4", copy=False).tobytes(),
            "dimensions": dimensions,
            "inputTokens": sum(item.size for item in items),
        }

    def _check_dimensions(self, wanted: Any) -> None:
        if wanted is None or (type(wanted) is int and wanted == self._dimensions):
            return
        if type(wanted) is not int or not 1 <= wanted <= self._dimensions:
            raise InvalidInput(
                f"dimensions is {wanted!r}; expected a whole number from 1 to {self._dimensions}, what the model has.",
                "dimensions",
            )
        if not self._truncatable:
            raise InvalidInput(
                f"This model's vectors cannot be shortened; leave dimensions out or ask for {self._dimensions}.",
                "dimensions",
                "XIM_UNSUPPORTED_PARAMETER",
            )

    def _prove(self) -> None:
        """One real inference: what cannot run fails here and not in the first call."""
        (vector,) = self.run(self.prepare({"items": [{"text": "ready"}]}))
        if len(vector) != self._dimensions or not np.isfinite(vector).all():
            raise StartError(
                f"the model gives {len(vector)} dimensions (all finite: {bool(np.isfinite(vector).all())}), "
                f"models.json says {self._dimensions}",
                permanent=True,
            )


def _is_worth_a_copy(threads: int, streams: int, weight_bytes: int) -> bool:
    """Whether a text that is alone misses the threads of the other streams: a few make do without them."""
    return streams > 1 and threads / streams < _FEW_THREADS and weight_bytes <= _MOST_COPIED_BYTES


def _to_pool(options: dict[str, Any]) -> Callable[[Vector, npt.NDArray[np.int64]], Vector]:
    pooling = options.get("pooling", "mean")
    if pooling not in POOLINGS:
        known = ", ".join(POOLINGS)
        raise StartError(f'the profile asks for pooling "{pooling}"; known are {known}', permanent=True)
    if options.get("normalize", True) is not True:
        raise StartError("the profile asks for vectors that are not normalised; here all are", permanent=True)
    return POOLINGS[pooling]
