"""Computes sequences one after the other, each with the cache that its model of Transformers makes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from xim_generation.chat.tokenizer import Tokenizer
from xim_generation.runner import Batch, Floats, RunnerLimits
from xim_worker import Context, Runtime, StartError

from .language_model import cache_bytes, expect_numbers, keeps_logits, longest_context, sample_tokens
from .torch_runtime import TorchRuntime

_CACHES = ("past_key_values", "cache_params", "state")
"""Names under which models take and give what they keep of a sequence."""


class SequenceRunner:
    """A ModelRunner for every causal model of Transformers. Each sequence has the cache that the model itself makes.

    A model with a recurrent state begins anew with every prompt, so a prompt is never split.
    """

    log_sum_exp = None

    def __init__(self, model: Any, tokenizer: Tokenizer, runtime: TorchRuntime, context: Context) -> None:
        self.tokenizer = tokenizer
        self._model = model
        self._runtime = runtime
        self._last_only: dict[str, Any] = {"logits_to_keep": 1} if keeps_logits(model) else {}
        self._caches: dict[int, tuple[str, Any]] = {}
        self._switch = _rope_switch(model)
        self._tokens: dict[int, list[int]] = {}
        """Of each sequence, where they may have to be computed again."""
        vocabulary, per_token = self._measure()
        self.limits = RunnerLimits(
            vocabulary=vocabulary,
            context_length=_fit_context(longest_context(model, context), per_token, context),
            block_tokens=0,
            blocks=0,
            batch_tokens=max(context.plan.batch_tokens, context.plan.slots),
            mixed=False,
            whole_prompts=True,
        )

    def forward(self, batch: Batch) -> Floats:
        rows = [
            self._compute(number, batch.tokens[begin:end])
            for number, (begin, end) in zip(batch.sequences, itertools.pairwise(batch.begins.tolist()), strict=True)
        ]
        return np.stack(rows)

    def release(self, sequence: int) -> None:
        self._caches.pop(sequence, None)
        self._tokens.pop(sequence, None)

    def describe(self) -> tuple[Runtime, str]:
        return self._runtime.describe()

    def _compute(self, number: int, tokens: np.ndarray[Any, Any]) -> Floats:
        """Logits [vocabulary] of the last of the next `tokens` of a sequence."""
        if self._switch is not None:
            known = self._tokens.setdefault(number, [])
            if 0 < len(known) <= self._switch < len(known) + len(tokens):
                del self._caches[number]
                tokens = np.array([*known, *tokens.tolist()], np.int64)
                known.clear()
            known += tokens.tolist()
        kept = dict([self._caches[number]]) if number in self._caches else {}
        with torch.inference_mode():
            output = self._model(input_ids=torch.from_numpy(tokens)[None], use_cache=True, **kept, **self._last_only)
        name = next((name for name in _CACHES if getattr(output, name, None) is not None), None)
        if name is None:
            raise StartError(f"{type(self._model).__name__} gives no cache and is not served", permanent=True)
        self._caches[number] = (name, getattr(output, name))
        logits: Floats = output.logits[0, -1:].float().numpy()
        expect_numbers(logits)
        last: Floats = logits[0]
        return last

    def _measure(self) -> tuple[int, int]:
        """The vocabulary, and the bytes of cache that a further token takes."""
        tokens = sample_tokens(self._model)[0]
        vocabulary = len(self._compute(0, tokens[:-1]))
        before = cache_bytes(self._caches[0][1])
        self._compute(0, tokens[-1:])
        per_token = cache_bytes(self._caches[0][1]) - before
        self.release(0)
        return vocabulary, max(0, per_token)


def _rope_switch(model: Any) -> int | None:
    """Tokens from which on a model turns all positions by other factors (LongRoPE, arXiv:2402.13753, section 3.3): keys
    that were computed before do not fit them."""
    config = model.config.get_text_config()
    parameters = getattr(config, "rope_parameters", None) or {}
    if parameters.get("rope_type") != "longrope":
        return None
    name = "original_max_position_embeddings"
    return int(parameters.get(name) or getattr(config, name))


def _fit_context(most: int, per_token: int, context: Context) -> int:
    """Tokens that each of the plan's slots may hold."""
    if per_token == 0:
        return most
    fitting = context.plan.kv_cache_bytes // (context.plan.slots * per_token)
    if fitting < 1:
        raise StartError(
            f"the plan gives the key-value cache {context.plan.kv_cache_bytes} bytes, and one token in each of "
            f"{context.plan.slots} slots takes {context.plan.slots * per_token}: lower XIM_SLOTS, or raise "
            "XIM_KV_CACHE_BYTES",
            permanent=True,
        )
    return min(most, fitting)
