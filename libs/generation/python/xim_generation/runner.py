"""The interface between the generation runtime and an engine: a model runner only computes batches of tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
from xim_worker import Context, Runtime, StartError

if TYPE_CHECKING:
    from .chat.tokenizer import Tokenizer

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

LogSumExp = Callable[[Floats, Floats], Floats]
"""Of logits [R, vocabulary] and scales [R]: ln of the sum of exp(scale * logit) over each row, [R]."""


@dataclass(frozen=True)
class RunnerLimits:
    """The sizes that the scheduler uses for planning."""

    vocabulary: int
    """Elements of a row of logits. May exceed the number of tokens of the tokenizer."""
    context_length: int
    """Maximum tokens of one sequence, prompt and output together."""
    block_tokens: int
    """Tokens of one block of the key-value cache. 0: the runner has its own cache per sequence."""
    blocks: int
    """Blocks of the key-value cache; meaningless where `block_tokens` is 0."""
    batch_tokens: int
    """Tokens of the longest batch."""
    mixed: bool = True
    """Whether one batch may contain prompts and single tokens; otherwise a batch contains only one of the two kinds."""
    whole_prompts: bool = False
    """Whether a prompt is one batch's, and only the last token of each sequence has logits. A prompt of more than
    `batch_tokens` tokens is then a batch of its own, and one whose rows are all wanted is computed token by token. For
    runners with a cache of their own that are not `mixed`."""
    kv_dtype: str | None = None
    """dtype of the key-value cache, as the library reports it: `u8`, `f16`, `bf16`, `f32`. None: not reported."""


@dataclass(frozen=True)
class Batch:
    """Tokens of S sequences, one after the other: T tokens in all, at least one per sequence.

    A sequence's tokens continue the content of its cache: `past[s]` tokens are there already. After the call the cache
    holds the batch's tokens too, at the positions in `positions`; a token that is computed again at a position replaces
    the former token.
    """

    sequences: list[int]
    """[S] number of each sequence, the same in every batch of its life."""
    tokens: Int64s
    """[T]"""
    positions: Int64s
    """[T], ascending from `past[s]` within a sequence."""
    past: Int32s
    """[S]"""
    begins: Int32s
    """[S + 1]: the tokens of sequence s are `begins[s]` up to `begins[s + 1]`."""
    blocks: Int32s
    """[B]: the blocks of each sequence in the order of its tokens, past and new ones."""
    block_begins: Int32s
    """[S + 1]: the blocks of sequence s are `block_begins[s]` up to `block_begins[s + 1]`."""
    rows: Int64s
    """[R], ascending: indices into `tokens` whose logits are needed. May be empty."""


class ModelRunner(Protocol):
    """Computes batches for one model. Does not handle requests, text, sampling or HTTP. Used by one thread.

    An exception of `forward` ends the worker: the runtime checks a batch's input before the call.
    """

    @property
    def limits(self) -> RunnerLimits: ...

    @property
    def tokenizer(self) -> Tokenizer: ...

    def forward(self, batch: Batch) -> Floats:
        """Logits `[R, vocabulary]` of the batch's rows. Valid, and may be changed, until the next call."""
        ...

    @property
    def log_sum_exp(self) -> LogSumExp | None:
        """For many rows at once, faster than numpy; None if the runner does not support it."""
        ...

    def release(self, sequence: int) -> None:
        """Frees a sequence. For runners with their own cache; other runners do nothing."""
        ...

    def describe(self) -> tuple[Runtime, str]:
        """The runtime and the dtype of the computation, read back after a first batch."""
        ...


def blocks_for(context: Context, block_bytes: int, block_tokens: int) -> int:
    """Blocks of the key-value cache that the plan's bytes hold. Raises StartError, permanent, where they hold none."""
    blocks = context.plan.kv_cache_bytes // block_bytes
    if blocks < 1:
        raise StartError(
            f"the plan gives the key-value cache {context.plan.kv_cache_bytes} bytes, and one block of {block_tokens} "
            f"tokens takes {block_bytes}: give the service more memory, or set XIM_KV_CACHE_BYTES",
            permanent=True,
        )
    return blocks
