"""A causal language model of Transformers: its files, its limits, the size of its cache."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM
from xim_generation.runner import Floats, Int64s
from xim_worker import Context

from .complete import load_model
from .torch_runtime import TorchRuntime

_SAMPLE = 40
"""Tokens of a sample: more than a block."""


def read_language_model(folder: Path, runtime: TorchRuntime) -> Any:
    """Raises StartError for a folder that has no such model, or not a whole one."""
    return runtime.optimize(load_model(folder, AutoModelForCausalLM, dtype=runtime.dtype))


def longest_context(model: Any, context: Context) -> int:
    """Tokens that the model takes: the least of what models.json and the model's own configuration say."""
    config = model.config.get_text_config()
    known = [context.model["shape"].get("contextLength"), getattr(config, "max_position_embeddings", None)]
    return min((int(length) for length in known if length), default=_UNBOUNDED)


_UNBOUNDED = 1 << 20
"""For a recurrent model that names no length."""


def keeps_logits(model: Any) -> bool:
    """Whether the model computes the logits of chosen tokens only."""
    return "logits_to_keep" in inspect.signature(model.forward).parameters


def sample_tokens(model: Any) -> Int64s:
    """[2, tokens] of two different sequences, spread over the vocabulary."""
    vocabulary = int(model.get_input_embeddings().num_embeddings)
    tokens: Int64s = np.arange(1, 2 * _SAMPLE + 1, dtype=np.int64).reshape(2, -1) * 7919 % vocabulary
    return tokens


def expect_numbers(logits: Floats) -> None:
    """A NaN fills its whole row, so one column is enough."""
    if np.isnan(logits[:, 0]).any():
        raise RuntimeError("the model gave logits that are no numbers")


def cache_bytes(cache: Any) -> int:
    """Of all tensors that a cache of Transformers, or a part of it, holds."""
    if isinstance(cache, torch.Tensor):
        count: int = cache.numel() * cache.element_size()
        return count
    if isinstance(cache, dict):
        return sum(map(cache_bytes, cache.values()))
    if isinstance(cache, list | tuple):
        return sum(map(cache_bytes, cache))
    return cache_bytes(vars(cache)) if hasattr(cache, "__dict__") else 0
