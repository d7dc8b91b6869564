"""The encoder of the task `rerank` for a language model: the logits of the token after each pair."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM
from xim_embedding.encoder import Floats, Int64s
from xim_worker import Context, Runtime

from .complete import load_model
from .torch_runtime import open_runtime


class TorchLanguageReranker:
    """Computes one batch at a time with all threads: in f32, or as the profile's option `dtype` says.

    Implements `PairEncoder` of `xim_embedding`; its labels are the tokens of the vocabulary.
    """

    parallel = 1

    def __init__(self, context: Context) -> None:
        # As vectors, scores in bf16 change the order of near neighbours.
        self._runtime = open_runtime(context, parallel=1, default="f32")
        context.progress("reading weights", None)
        model = load_model(Path(context.model_path), AutoModelForCausalLM, dtype=self._runtime.dtype)
        self._model: Any = self._runtime.optimize(model)
        self._turn = threading.Lock()
        tokens = np.zeros((1, 8), np.int64)
        with self.forward(tokens, tokens + 1, tokens):
            pass

    @contextmanager
    def forward(self, ids: Int64s, mask: Int64s, segments: Int64s) -> Iterator[Floats]:
        """Moves the padding to the left, so that all pairs end at the last position, the only one with logits."""
        left = np.argsort(mask, axis=1, kind="stable")
        ids, mask = np.take_along_axis(ids, left, axis=1), np.take_along_axis(mask, left, axis=1)
        positions = np.maximum(mask.cumsum(axis=1) - 1, 0)
        inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
        with self._turn, torch.inference_mode():
            tensors = {name: torch.from_numpy(values) for name, values in inputs.items()}
            output = self._model(**tensors, use_cache=False, logits_to_keep=1)
            logits: Floats = output.logits[:, -1].float().numpy()
        yield logits

    def describe(self) -> tuple[Runtime, str]:
        return self._runtime.describe()
