"""The encoder of the task `embed`: a transformer of any architecture that Transformers has."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, MT5Config, MT5EncoderModel, T5Config, T5EncoderModel
from xim_embedding.encoder import Floats, Int64s
from xim_worker import Context, Runtime

from .complete import load_model
from .torch_runtime import open_runtime

# Layers for other tasks: without them the hidden states are the same.
_UNUSED = "pooler"

# Of T5 the decoder is left out, as Sentence Transformers does.
for _config, _encoder in ((T5Config, T5EncoderModel), (MT5Config, MT5EncoderModel)):
    AutoModel.register(_config, _encoder, exist_ok=True)


class TorchEncoder:
    """Computes one batch at a time with all threads: in f32, or as the profile's option `dtype` says."""

    parallel = 1
    few_shapes = False

    def __init__(self, context: Context) -> None:
        # In bf16 the cosine to the vectors of f32 is about 0.999, which changes the order of near neighbours.
        self._runtime = open_runtime(context, parallel=1, default="f32")
        context.progress("reading weights", None)
        model = load_model(Path(context.model_path), AutoModel, dtype=self._runtime.dtype, may_lack=_UNUSED)
        self._model: Any = self._runtime.optimize(model)
        self._turn = threading.Lock()
        with self.forward(np.zeros((1, 8), np.int64), np.ones((1, 8), np.int64)):
            pass

    @contextmanager
    def forward(self, ids: Int64s, mask: Int64s) -> Iterator[Floats]:
        with self._turn, torch.inference_mode():
            output = self._model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
            hidden: Floats = output.last_hidden_state.float().numpy()
        yield hidden

    def describe(self) -> tuple[Runtime, str]:
        return self._runtime.describe()
