"""The task `embed`: one unit vector per text, from a transformer encoder in ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
from tokenizers import Tokenizer
from xim_worker import Context, Event, Info, InvalidInput, Item, Request, StartError

from .runtime import describe_runtime

Vector = npt.NDArray[np.float32]


class Embed:
    """Mean of the last hidden state over the text's tokens, normalised; a row of a batch equals the single text."""

    parallel = 1

    def load(self, context: Context) -> Info:
        shape, options = context.model["shape"], context.options
        if options.get("pooling", "mean") != "mean":
            raise StartError(f'pooling "{options["pooling"]}" is not known here; known: mean', permanent=True)
        self._normalize = bool(options.get("normalize", True))
        self._most_tokens = int(shape["contextLength"])
        self._dimensions = int(shape["dimensions"])
        self._truncatable = bool(shape.get("truncatable", False))

        context.progress("reading the tokenizer", None)
        self._tokenizer = Tokenizer.from_file(f"{context.model_path}/tokenizer.json")
        # The file may ask for both: padding belongs to the batch, and a text is never cut in silence.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._vocabulary = self._tokenizer.get_vocab_size()

        context.progress("compiling the model", None)
        config = {"INFERENCE_NUM_THREADS": context.plan.threads, "ENABLE_CPU_PINNING": False}
        model = ov.Core().compile_model(f"{context.model_path}/model.onnx", "CPU", config)
        self._inputs = {port.get_any_name() for port in model.inputs}
        self._infer = model.create_infer_request()
        found = int(self.run(self.prepare({"items": [{"text": "ready"}]}))[0].shape[0])
        if found != self._dimensions:
            raise StartError(f"the model gives {found} dimensions, models.json says {self._dimensions}", permanent=True)
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
        items = request["items"]
        if not items:
            raise InvalidInput("There is nothing to embed; expected at least one text.", "items")
        texts = [item["text"] for item in items if "text" in item]
        if not all(texts):
            raise InvalidInput("A text is empty; expected at least one character.", "items")
        encoded = iter(self._tokenizer.encode_batch(texts))
        ids = [next(encoded).ids if "text" in item else self._with_specials(item["tokens"]) for item in items]
        for number, each in enumerate(ids):
            if len(each) > self._most_tokens:
                raise InvalidInput(
                    f"This model's maximum context length is {self._most_tokens} tokens. "
                    f"However, input {number} has {len(each)} tokens. Shorten it, or split it.",
                    "items",
                    "XIM_CONTEXT_LENGTH_EXCEEDED",
                )
        return [Item(len(each), each) for each in ids]

    def run(self, items: Sequence[Item]) -> list[Vector]:
        longest = max(item.size for item in items)
        ids = np.zeros((len(items), longest), np.int64)
        mask = np.zeros((len(items), longest), np.int64)
        for row, item in enumerate(items):
            ids[row, : item.size] = item.data
            mask[row, : item.size] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        wanted = {name: value for name, value in inputs.items() if name in self._inputs}
        # share_outputs: the hidden states are read here and nowhere else, so they need no copy.
        hidden = self._infer.infer(wanted, share_inputs=True, share_outputs=True)[0]
        weights = mask.astype(np.float32)
        # [rows, 1, tokens] @ [rows, tokens, elements]: the sum over the text's tokens in one pass.
        pooled = np.matmul(weights[:, None, :], hidden)[:, 0, :] / weights.sum(1, keepdims=True)
        vectors = self._unit(pooled) if self._normalize else pooled
        return list(vectors.astype(np.float32, copy=False))

    def finish(self, request: Request, items: Sequence[Item], results: Sequence[Vector]) -> Event:
        dimensions = request.get("dimensions") or self._dimensions
        vectors = np.stack(results)
        if dimensions < self._dimensions:
            vectors = self._unit(vectors[:, :dimensions])
        return {
            "type": "result",
            "vectors": vectors.astype("<f4", copy=False).tobytes(),
            "dimensions": dimensions,
            "inputTokens": sum(item.size for item in items),
        }

    def _check_dimensions(self, dimensions: Any) -> None:
        if dimensions is None or dimensions == self._dimensions:
            return
        if not 1 <= dimensions <= self._dimensions:
            raise InvalidInput(
                f"dimensions is {dimensions}; expected 1 to {self._dimensions}, what the model has.", "dimensions"
            )
        if not self._truncatable:
            raise InvalidInput(
                f"This model's vectors cannot be shortened; leave dimensions out or ask for {self._dimensions}.",
                "dimensions",
                "XIM_UNSUPPORTED_PARAMETER",
            )

    def _with_specials(self, tokens: list[int]) -> list[int]:
        """The model's own tokens, with the special tokens that a text would get around it, where they are not there."""
        if not tokens:
            raise InvalidInput("A list of tokens is empty; expected at least one.", "items")
        if not all(0 <= token < self._vocabulary for token in tokens):
            raise InvalidInput(
                f"A token is outside the model's vocabulary; expected 0 to {self._vocabulary - 1}. "
                "Tokens must be this model's own, not those of another tokenizer.",
                "items",
            )
        first, *_, last = self._tokenizer.encode("x").ids
        return tokens if tokens[0] == first else [first, *tokens, last]

    @staticmethod
    def _unit(vectors: Vector) -> Vector:
        unit: Vector = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit
