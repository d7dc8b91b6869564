"""Batches of tokens on a model of Transformers: prompts and single tokens of all sequences in one forward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from xim_generation.chat.tokenizer import Tokenizer
from xim_generation.runner import Batch, Floats, RunnerLimits, blocks_for
from xim_worker import Context, Runtime

from .language_model import expect_numbers, keeps_logits, longest_context, sample_tokens
from .pages import ATTENTION, BLOCK_TOKENS, Pages, Unsupported
from .torch_runtime import TorchRuntime

_CUT = 17
"""Tokens of the first chunk of a sample: the second chunk reads keys and values of the first chunk."""

_TOLERANCE = {torch.float32: 0.02, torch.bfloat16: 0.2}
"""Difference of logits, relative to their spread. A model whose cache is not used as here is off by about 1."""


class PagedRunner:
    """A ModelRunner. The key-value cache has the plan's bytes, in blocks of `BLOCK_TOKENS` tokens.

    Raises Unsupported for a model that has a state beside keys and values, or whose logits differ from the model's own.
    """

    def __init__(self, model: Any, tokenizer: Tokenizer, runtime: TorchRuntime, context: Context) -> None:
        reason = _unfit(model)
        if reason is not None:
            raise Unsupported(reason)
        self.tokenizer = tokenizer
        self._model = model
        self._runtime = runtime
        self._keeps_logits = keeps_logits(model)
        block_bytes = self._check()
        blocks = blocks_for(context, block_bytes, BLOCK_TOKENS)
        self._pages = Pages(blocks)
        self.limits = RunnerLimits(
            vocabulary=self._vocabulary,
            context_length=min(longest_context(model, context), blocks * BLOCK_TOKENS),
            block_tokens=BLOCK_TOKENS,
            blocks=blocks,
            batch_tokens=max(context.plan.batch_tokens, context.plan.slots),
        )

    def forward(self, batch: Batch) -> Floats:
        logits = self._compute(batch)
        expect_numbers(logits)
        return logits

    def log_sum_exp(self, logits: Floats, scales: Floats) -> Floats:
        scaled = torch.from_numpy(logits) * torch.from_numpy(scales)[:, None]
        sums: Floats = torch.logsumexp(scaled, 1).numpy()
        return sums

    def release(self, sequence: int) -> None:
        """The scheduler gives blocks back; nothing else is kept of a sequence."""

    def describe(self) -> tuple[Runtime, str]:
        return self._runtime.describe()

    def _compute(self, batch: Batch) -> Floats:
        self._pages.begin(batch)
        rows = torch.from_numpy(batch.rows)
        with torch.inference_mode():
            logits = self._model(
                input_ids=torch.from_numpy(batch.tokens)[None],
                position_ids=torch.from_numpy(batch.positions)[None],
                # Without a mask Transformers would guess from the positions where a sequence begins.
                attention_mask=torch.ones(1, len(batch.tokens), dtype=torch.int64),
                use_cache=False,
                pages=self._pages,
                **({"logits_to_keep": rows} if self._keeps_logits else {}),
            ).logits[0]
        found: Floats = (logits if self._keeps_logits else logits[rows]).float().numpy()
        return found

    def _check(self) -> int:
        """Compares two sequences, each in two chunks, with the model's own logits. Returns the bytes of a block."""
        tokens = sample_tokens(self._model)
        with torch.inference_mode():
            own = [self._model(input_ids=torch.from_numpy(part)[None], use_cache=False).logits[0] for part in tokens]
        expected = np.stack([part[-1].float().numpy() for part in own])
        self._vocabulary = expected.shape[1]
        self._model.set_attn_implementation(ATTENTION)
        blocks = -(-tokens.shape[1] // BLOCK_TOKENS)
        self._pages = Pages(blocks * len(tokens))
        table = np.arange(self._pages.blocks, dtype=np.int32).reshape(len(tokens), -1)[::-1]
        for chunk in (slice(0, _CUT), slice(_CUT, -1), slice(tokens.shape[1] - 1, None)):
            found = self._compute(_to_batch(tokens, chunk, table))
        difference = np.linalg.norm(found - expected) / np.linalg.norm(expected - expected.mean())
        if not difference <= _TOLERANCE[self._runtime.dtype]:
            raise Unsupported(f"its logits differ by {difference:.3f} from those without blocks")
        return self._pages.block_bytes


def _to_batch(tokens: np.ndarray[Any, Any], chunk: slice, table: np.ndarray[Any, Any]) -> Batch:
    """The tokens `chunk` of each sequence; the last one has a row."""
    positions = np.arange(tokens.shape[1], dtype=np.int64)[chunk]
    count, sequences = len(positions), len(tokens)
    return Batch(
        sequences=list(range(sequences)),
        tokens=tokens[:, chunk].reshape(-1),
        positions=np.tile(positions, sequences),
        past=np.full(sequences, positions[0], np.int32),
        begins=np.arange(0, sequences * count + 1, count, dtype=np.int32),
        blocks=table.reshape(-1).copy(),
        block_begins=np.arange(0, table.size + 1, table.shape[1], dtype=np.int32),
        rows=np.arange(count - 1, sequences * count, count, dtype=np.int64),
    )


def _unfit(model: Any) -> str | None:
    """Why keys and values in blocks cannot be all that is kept of a sequence, from what the model says of itself."""
    if not getattr(model, "_supports_attention_backend", False):
        return "its attention cannot be replaced"
    if getattr(model, "_is_stateful", False):
        return "it has a recurrent state"
    kinds = _rope_kinds(getattr(model.config.get_text_config(), "rope_parameters", None))
    if kinds & {"dynamic", "longrope"}:
        return "its positions depend on the longest sequence of a batch"
    return None


def _rope_kinds(parameters: Any) -> set[str]:
    """Kinds of rotary embeddings; a model may have one for each kind of layer."""
    if not isinstance(parameters, dict):
        return set()
    own = {str(parameters["rope_type"])} if "rope_type" in parameters else set()
    return own.union(*map(_rope_kinds, parameters.values()))
