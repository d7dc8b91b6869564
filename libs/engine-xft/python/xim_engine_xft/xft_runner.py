"""Batches of tokens on xFasterTransformer's three calls for continuous batching."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from xim_generation.chat.tokenizer import Tokenizer
from xim_generation.runner import Batch, Floats, LogSumExp, RunnerLimits
from xim_worker import Runtime

IDS = 10 * 1024
"""The library numbers sequences from 0 to here and then from 0 again, in use or not (src/common/sequence.h,
`SequenceIDManager`). A number that is in use is given a second time without an error."""


class Tensor(Protocol):
    """The used part of torch.Tensor."""

    def tolist(self) -> list[int]: ...

    def numpy(self) -> Floats: ...


class Library(Protocol):
    """The used part of `xfastertransformer.AutoModel`. A step is `free_seqs`, `set_input_cb`, `forward_cb`."""

    @property
    def rank(self) -> int: ...

    def set_input_cb(
        self,
        input_ids: list[list[int]] | list[int] | None = None,
        seq_ids: list[int] | None = None,
        max_length: list[int] | None = None,
    ) -> Tensor: ...

    def forward_cb(self) -> Tensor: ...

    def free_seqs(self, seq_ids: list[int] | None = None) -> Any: ...


class XftRunner:
    """A ModelRunner over the library's own cache of keys and values. Of several ranks, that of rank 0.

    Each sequence has `context_length` tokens reserved: the library keeps a freed cache for the next sequence and
    replaces one that is too small (src/common/kvcache_mgr.h), so that memory is bounded only where all are alike.
    """

    def __init__(
        self,
        model: Library,
        tokenizer: Tokenizer,
        limits: RunnerLimits,
        runtime: Runtime,
        dtype: str,
        log_sum_exp: LogSumExp | None = None,
    ) -> None:
        self.limits = limits
        self.tokenizer = tokenizer
        self.log_sum_exp = log_sum_exp
        self._model = model
        self._described = (runtime, dtype)
        self._ids: dict[int, int] = {}
        """The library's number of each live sequence."""
        self._tokens: dict[int, list[int]] = {}
        self._freed: list[int] = []
        self._last_id = -1

    def forward(self, batch: Batch) -> Floats:
        assert np.array_equal(batch.rows, batch.begins[1:] - 1), "the library gives the logits of the last tokens only"
        tokens: list[int] = batch.tokens.tolist()
        if batch.past[0] > 0:
            assert len(tokens) == len(batch.sequences) and batch.past.all(), (
                "a step is all prompts or all single tokens"
            )
            for number, token in zip(batch.sequences, tokens, strict=True):
                self._tokens[number].append(token)
            return self._step(tokens, [self._ids[number] for number in batch.sequences])
        assert not batch.past.any(), "a step is all prompts or all single tokens"
        begins = batch.begins.tolist()
        prompts = [tokens[begin:end] for begin, end in itertools.pairwise(begins)]
        self._renew_old_ids(len(prompts))
        return self._start(batch.sequences, prompts)

    def release(self, sequence: int) -> None:
        """The next step frees the cache, since every rank has to free it at the same point."""
        if self._ids.get(sequence) is not None:
            self._freed.append(self._ids.pop(sequence))
            del self._tokens[sequence]

    def describe(self) -> tuple[Runtime, str]:
        return self._described

    def _start(self, numbers: Sequence[int], prompts: list[list[int]]) -> Floats:
        logits = self._step(prompts, None)
        for number, prompt, given in zip(numbers, prompts, self._given, strict=True):
            if given in self._ids.values():
                raise RuntimeError(f"xFasterTransformer gave the number {given} to a second sequence")
            self._ids[number], self._tokens[number], self._last_id = given, prompt, given
        return logits

    def _step(self, tokens: list[list[int]] | list[int], ids: list[int] | None) -> Floats:
        """Logits [sequences, vocabulary] in the library's memory, overwritten by the next step."""
        freed, self._freed = self._freed, []
        # Also without anything to free: the other ranks repeat the three calls.
        self._model.free_seqs(freed)
        # A list of one length for several prompts is read beyond its end (src/pytorch/auto_model.h, `setInputCB`).
        lengths = [self.limits.context_length] * len(tokens) if ids is None else None
        self._given: list[int] = self._model.set_input_cb(tokens, ids, lengths).tolist()
        logits = self._model.forward_cb().numpy().reshape(len(tokens), self.limits.vocabulary)
        # A NaN fills its whole row, so one column is enough.
        if np.isnan(logits[:, 0]).any():
            raise RuntimeError("xFasterTransformer gave logits that are no numbers")
        return logits

    def _renew_old_ids(self, count: int) -> None:
        """Computes sequences again whose numbers the library will soon give to others, so that they get new numbers."""
        reach = count + len(self._ids) + 1
        old = [number for number, given in self._ids.items() if 0 < (given - self._last_id) % IDS <= reach]
        if not old:
            return
        prompts = [self._tokens[number] for number in old]
        for number in old:
            self.release(number)
        self._start(old, prompts)
