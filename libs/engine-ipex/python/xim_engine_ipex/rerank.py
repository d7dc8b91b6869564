"""The encoder of the task `rerank`: a sequence classification of any architecture that Transformers has."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification
from xim_embedding.encoder import Floats, Int64s
from xim_worker import Context, Runtime

from .complete import load_model
from .torch_runtime import open_runtime


class TorchPairEncoder:
    """Computes one batch at a time with all threads: in f32, or as the profile's option `dtype` says."""

    parallel = 1
    few_shapes = False
    model_class: Any = AutoModelForSequenceClassification

    def __init__(self, context: Context) -> None:
        # As vectors, scores in bf16 change the order of near neighbours.
        self._runtime = open_runtime(context, parallel=1, default="f32")
        context.progress("reading weights", None)
        model = load_model(Path(context.model_path), self.model_class, dtype=self._runtime.dtype)
        # RoBERTa has the parameter and one segment.
        self._has_segments = (
            "token_type_ids" in inspect.signature(model.forward).parameters
            and getattr(model.config, "type_vocab_size", 1) > 1
        )
        self._model: Any = self._runtime.optimize(model)
        self._turn = threading.Lock()
        tokens = np.zeros((1, 8), np.int64)
        with self.forward(tokens, tokens + 1, tokens):
            pass

    @contextmanager
    def forward(self, ids: Int64s, mask: Int64s, segments: Int64s) -> Iterator[Floats]:
        with self._turn, torch.inference_mode():
            logits: Floats = self.compute(ids, mask, segments).float().numpy()
        yield logits

    def compute(self, ids: Int64s, mask: Int64s, segments: Int64s) -> torch.Tensor:
        """The logits `[rows, labels]` of a batch `[rows, tokens]`."""
        inputs = {"input_ids": ids, "attention_mask": mask}
        if self._has_segments:
            inputs["token_type_ids"] = segments
        logits: torch.Tensor = self._model(**to_tensors(inputs)).logits
        return logits

    def describe(self) -> tuple[Runtime, str]:
        return self._runtime.describe()


def to_tensors(inputs: Mapping[str, Int64s]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(values) for name, values in inputs.items()}
