"""The encoder of the task `rerank` for a language model: the logits of the token after each pair."""

from __future__ import annotations

import numpy as np
import torch
from transformers import AutoModelForCausalLM
from xim_embedding.encoder import Int64s

from .rerank import TorchPairEncoder, to_tensors


class TorchLanguageReranker(TorchPairEncoder):
    """A `PairEncoder` whose labels are the tokens of the vocabulary."""

    model_class = AutoModelForCausalLM

    def compute(self, ids: Int64s, mask: Int64s, segments: Int64s) -> torch.Tensor:
        """Moves the padding to the left, so that all pairs end at the last position, the only one with logits."""
        left = np.argsort(mask, axis=1, kind="stable")
        ids, mask = np.take_along_axis(ids, left, axis=1), np.take_along_axis(mask, left, axis=1)
        positions = np.maximum(mask.cumsum(axis=1) - 1, 0)
        inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
        logits: torch.Tensor = self._model(**to_tensors(inputs), use_cache=False, logits_to_keep=1).logits[:, -1]
        return logits
