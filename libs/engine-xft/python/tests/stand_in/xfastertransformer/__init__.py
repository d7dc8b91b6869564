"""A stand-in of the library for hosts that cannot run it: the same three calls over a tiny transformer, with its rules.

Each rule names its place in the library's source (release 2.1.2 behaves so, as far as a host could show). What the
library punishes with `exit(-1)`, with memory of others or with nothing at all ends the process loudly here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tiny_runner import TinyRunner
from xim_generation.runner import Batch, RunnerLimits

from .ranks import Ranks

IDS = 10 * 1024
_DTYPES = {
    "fp16",
    "bf16",
    "int8",
    "w8a8",
    "int4",
    "nf4",
    "bf16_fp16",
    "bf16_int8",
    "bf16_w8a8",
    "bf16_int4",
    "bf16_nf4",
}


class RuleBroken(BaseException):
    """No Exception, so that nothing but the end of the process follows."""


class Array:
    """The part of torch.Tensor that callers may use."""

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self._values = values

    def tolist(self) -> list[int]:
        found: list[int] = self._values.tolist()
        return found

    def numpy(self) -> npt.NDArray[Any]:
        return self._values


class AutoModel:
    """`xfastertransformer.AutoModel` (automodel.py)."""

    def __init__(self, path: str, dtype: str = "fp16", kv_cache_dtype: str = "fp16") -> None:
        # automodel.py, __init__: an unknown dtype raises; auto_model.h, TorchAutoModel: fp16 and int8 for the cache.
        _require(dtype in _DTYPES, f"automodel.py: no dtype {dtype}")
        _require(kv_cache_dtype in ("fp16", "int8"), f"auto_model.h: no dtype {kv_cache_dtype} of the cache")
        config = dict(
            line.split(" = ", 1) for line in (Path(path) / "config.ini").read_text().splitlines() if " = " in line
        )
        self._most = int(config["max_pos_seq_len"])
        limits = RunnerLimits(int(config["vocab_size"]), self._most, 0, 0, 1 << 30, mixed=False, whole_prompts=True)
        # Of the tokenizer of bytes: all but printable ASCII and the end, since random bytes are no text.
        rare = [token for token in range(94, limits.vocabulary) if token != 256]
        self._tiny = TinyRunner(limits, rare=rare)
        self._ranks = Ranks()
        self._last = -1
        self._live: dict[int, list[int]] = {}
        self._lengths: dict[int, int] = {}
        self._group: list[int] = []
        self._inputs: list[list[int]] = []
        self._logits = np.zeros((0, limits.vocabulary), np.float32)

    @classmethod
    def from_pretrained(cls, path: str, dtype: str = "fp16", kv_cache_dtype: str = "fp16") -> AutoModel:
        return cls(path, dtype, kv_cache_dtype)

    @property
    def rank(self) -> int:
        return self._ranks.rank

    def set_input_cb(
        self,
        input_ids: list[Any] | None = None,
        seq_ids: list[int] | None = None,
        max_length: list[int] | None = None,
    ) -> Array:
        # models.cpp, set_input: rank 0 hands its arguments to the others.
        input_ids, seq_ids, max_length = self._ranks.share((input_ids, seq_ids, max_length))
        _require(bool(input_ids), "auto_model.h, setInputCB: the input of rank 0 is not None, and not empty")
        assert input_ids is not None
        if seq_ids is None:
            return self._prompts(input_ids, max_length)
        # models.cpp, set_input: "Input size and seqIDs size mismatch", exit(-1).
        _require(len(input_ids) == len(seq_ids), "models.cpp, set_input: a token for each sequence")
        _require(len(set(seq_ids)) == len(seq_ids), "sequence.h, stepForward: a sequence once in a step")
        for token, number in zip(input_ids, seq_ids, strict=True):
            # models.cpp, set_input: "Sequence ID not found", exit(-1).
            _require(number in self._live, f"models.cpp, set_input: sequence {number} is not there")
            _require(isinstance(token, int), "sequence.h, stepForward: a single token for a sequence that has begun")
            self._live[number].append(token)
            # kvcache_tensor.h, getSequence: no bound is checked, the next head's memory is written.
            _require(len(self._live[number]) <= self._lengths[number], "kvcache_tensor.h: beyond the reserved length")
        self._group, self._inputs = list(seq_ids), [[token] for token in input_ids]
        return Array(np.array(seq_ids, np.int64))

    def _prompts(self, prompts: list[Any], max_length: list[int] | None) -> Array:
        _require(all(isinstance(prompt, list) and prompt for prompt in prompts), "automodel.py: prompts are lists")
        # auto_model.h, setInputCB: as many lengths as sequences are copied, whatever there are.
        _require(max_length is not None and len(max_length) == len(prompts), "auto_model.h: a length for each prompt")
        assert max_length is not None
        self._group = []
        for prompt, length in zip(prompts, max_length, strict=True):
            # sequence.h, SequenceIDManager: from 0 to 10239 and again, whatever is in use.
            self._last = (self._last + 1) % IDS
            _require(self._last not in self._live, f"sequence.h, newGroupMeta: {self._last} is in use")
            # kvcache_mgr.h, addSequence: never more than the model takes.
            self._lengths[self._last] = min(length, self._most)
            _require(len(prompt) <= self._lengths[self._last], "models.cpp, set_input: a prompt of at most the length")
            self._live[self._last] = list(prompt)
            self._group.append(self._last)
        self._inputs = [list(prompt) for prompt in prompts]
        return Array(np.array(self._group, np.int64))

    def forward_cb(self) -> Array:
        """The last token's logits only (models.cpp, forward with logitsAll = false), in one buffer for all steps."""
        # models.cpp, forward: "Please input prompt first.", exit(-1).
        _require(bool(self._group), "models.cpp, forward: an input before each step")
        counts = np.array([len(tokens) for tokens in self._inputs], np.int32)
        begins = np.concatenate([[0], counts.cumsum()]).astype(np.int32)
        past = np.array([len(self._live[n]) for n in self._group], np.int32) - counts
        # models.cpp, forward: "all sequences in the group are all prompts or all decodes".
        _require(bool((past == 0).all() or (counts == 1).all()), "models.cpp, forward: prompts or single tokens")
        none = np.zeros(0, np.int32)
        logits = self._tiny.forward(
            Batch(
                sequences=self._group,
                tokens=np.array([token for tokens in self._inputs for token in tokens], np.int64),
                positions=np.concatenate([np.arange(p, p + c) for p, c in zip(past, counts, strict=True)]),
                past=past,
                begins=begins,
                blocks=none,
                block_begins=np.zeros(len(begins), np.int32),
                rows=(begins[1:] - 1).astype(np.int64),
            )
        )
        # auto_model.h, forwardCB: `from_blob`, the memory of the former step.
        self._logits[:] = np.nan
        self._logits = logits
        self._group = []
        return Array(logits)

    def free_seqs(self, seq_ids: list[int] | None = None) -> bool:
        seq_ids = self._ranks.share(seq_ids)
        _require(seq_ids is not None, "auto_model.h, freeSeqs: the input of rank 0 is not None")
        for number in seq_ids or []:
            # models.cpp, freeSeqs: an unknown one gives False and frees nothing behind it.
            _require(number in self._live, f"models.cpp, freeSeqs: sequence {number} is not there")
            del self._live[number], self._lengths[number]
            self._tiny.release(number)
        return True


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise RuleBroken(rule)
