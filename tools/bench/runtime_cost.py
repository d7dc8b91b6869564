"""The generation runtime's own cost per step: the runner computes nothing and gives logits like a language model's.

usage: runtime_cost.py VOCABULARY ROUNDS RUNNER

RUNNER: `paged`, prompts and single tokens in one batch; `xft`, the runner of xFasterTransformer over a library that
computes nothing.

Prints one line of JSON: `{"<kind>, <streams> streams": [milliseconds of a decode step, one per step], …}`.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from typing import Any

import numpy as np
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers
from xim_engine_oneapi.row_sums import RowSums
from xim_engine_xft.xft_runner import XftRunner
from xim_generation.chat.tokenizer import Tokenizer
from xim_generation.handler import GenerateHandler
from xim_generation.runner import Batch, Floats, LogSumExp, RunnerLimits
from xim_worker import Context, Plan, Runtime

TOKENS = 48
STREAMS = (1, 32)
_PLACE = {"type": "string", "maxLength": 40}
_TOOL = {"name": "weather", "parameters": {"type": "object", "properties": {"place": _PLACE}, "required": ["place"]}}
_SCHEMA = {"type": "object", "properties": {"facts": {"type": "array", "items": _PLACE, "minItems": 50}}}
KINDS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "temperature 0.8, top-p 0.95": {"sampling": {"temperature": 0.8, "topP": 0.95, "seed": 1}},
    "schema": {"format": {"type": "json-schema", "schema": _SCHEMA | {"required": ["facts"]}}},
    "required tool": {
        "prompt": {
            "messages": [{"role": "user", "content": [{"type": "text", "text": "sea"}]}],
            "tools": [_TOOL],
            "toolChoice": {"mode": "required", "parallel": True},
        }
    },
    "five alternatives": {"logprobs": 5},
    "logit bias": {"sampling": {"temperature": 0, "logitBias": {"5": 1}}},
}


class Idle:
    """A runner without a model: standard normal logits of deviation 3.6, a few tokens far above the others."""

    def __init__(self, vocabulary: int) -> None:
        self.limits = RunnerLimits(vocabulary, 4096, 32, 4096, 4096)
        self.tokenizer = _tokenizer(vocabulary)
        random = np.random.default_rng(0)
        rows = random.standard_normal((64, vocabulary), np.float32) * np.float32(3.6)
        for row in rows:
            row[random.integers(256, vocabulary, 30)] += np.linspace(4, 9, 30, dtype=np.float32)
        self._rows = rows
        self._out = np.empty((max(STREAMS), vocabulary), np.float32)
        self._next = itertools.count()
        self.seconds = 0.0
        self._row_sums = RowSums(os.cpu_count() or 1)

    def forward(self, batch: Batch) -> Floats:
        return self.give(len(batch.rows))

    def give(self, count: int) -> Floats:
        """Logits of `count` rows; the time that they take is in `seconds`."""
        began = time.perf_counter()
        out = self._out[:count]
        start = next(self._next) % (len(self._rows) - len(out) + 1)
        np.copyto(out, self._rows[start : start + len(out)])
        self.seconds += time.perf_counter() - began
        return out

    @property
    def log_sum_exp(self) -> LogSumExp | None:
        return self._row_sums

    def release(self, sequence: int) -> None:
        """Nothing is kept."""

    def describe(self) -> tuple[Runtime, str]:
        return Runtime(name="none", version="0", isa="none"), "f32"


class IdleLibrary:
    """The calls of xFasterTransformer over the logits of `Idle`."""

    rank = 0

    def __init__(self, idle: Idle) -> None:
        self._idle = idle
        self._ids = itertools.count()
        self._count = 0

    def set_input_cb(self, tokens: list[Any], ids: list[int] | None = None, _: Any = None) -> Array:
        self._count = len(tokens)
        return Array(np.array([next(self._ids) for _ in tokens] if ids is None else ids))

    def forward_cb(self) -> Array:
        return Array(self._idle.give(self._count))

    def free_seqs(self, _: list[int] | None = None) -> None:
        """Nothing is kept."""


class Array:
    """The part of torch.Tensor that the runner uses."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def tolist(self) -> list[int]:
        found: list[int] = self._values.tolist()
        return found

    def numpy(self) -> Floats:
        values: Floats = self._values
        return values


def open_runner(name: str, vocabulary: int) -> tuple[Idle, Any]:
    """The source of the logits, and the runner that is measured."""
    idle = Idle(vocabulary)
    if name == "paged":
        return idle, idle
    limits = RunnerLimits(vocabulary, 4096, 0, 0, 4096, mixed=False, whole_prompts=True)
    runtime, dtype = idle.describe()
    library: Any = IdleLibrary(idle)
    return idle, XftRunner(library, idle.tokenizer, limits, runtime, dtype, idle.log_sum_exp)


def _tokenizer(vocabulary: int) -> Tokenizer:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    random = np.random.default_rng(1)
    names = dict.fromkeys(letters)
    while len(names) < vocabulary - 1:
        names["".join(random.choice(list("etaoinshrdlu"), random.integers(2, 9)))] = None
    backend = Backend(models.BPE({name: number for number, name in enumerate(names)}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    return Tokenizer(backend, template=template, ends=frozenset(), bos=None, eos=None)


def main() -> None:
    vocabulary, rounds = int(sys.argv[1]), int(sys.argv[2])
    idle, runner = open_runner(sys.argv[3], vocabulary)
    handler = GenerateHandler(lambda _: runner)
    plan = Plan(threads=2, slots=max(STREAMS), kv_cache_bytes=0, batch_tokens=4096)
    handler.load(Context({"id": "none"}, "", {}, plan, 0, lambda step, share: None))
    numbers = itertools.count(1)
    costs: dict[str, list[float]] = {}
    for round_ in range(rounds + 1):
        for kind, fields in KINDS.items():
            for streams in STREAMS:
                found = _measure(handler, idle, [next(numbers) for _ in range(streams)], fields)
                if round_ > 0:
                    costs.setdefault(f"{kind}, {streams} streams", []).extend(found)
    print(json.dumps(costs))


def _measure(handler: GenerateHandler, runner: Idle, calls: list[int], fields: dict[str, Any]) -> list[float]:
    """Milliseconds of the steps in which all calls decode."""
    # Far more tokens than steps: the first call must not end before the last is prepared, beside the steps.
    request = {"prompt": {"text": "sea"}, "maxTokens": 20 * TOKENS, "ignoreEnd": True, "sampling": {"temperature": 0}}
    for call in calls:
        handler.add(call, request | fields)
    while len(handler._calls) < len(calls):
        handler.step()
        # Otherwise this thread hardly leaves the interpreter to the one that prepares.
        time.sleep(0.001)
    times = []
    for _ in range(TOKENS):
        runner.seconds = 0.0
        began = time.perf_counter()
        handler.step()
        times.append((time.perf_counter() - began - runner.seconds) * 1000)
        if len(handler._calls) < len(calls):
            # A format was complete.
            times.pop()
            break
    for call in calls:
        handler.cancel(call)
    return times


if __name__ == "__main__":
    main()
