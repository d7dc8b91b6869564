"""A small transformer with random weights in numpy: a model runner for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from xim_generation.runner import Batch, Floats, LogSumExp, RunnerLimits
from xim_worker import Runtime

if TYPE_CHECKING:
    from xim_generation.chat.tokenizer import Tokenizer

Doubles = npt.NDArray[np.float64]
LAYERS, HEADS, KV_HEADS, HEAD, WIDTH = 2, 2, 1, 8, 16


class TinyRunner:
    """Two layers, two heads over one head of keys and values, learned positions. float64, token by token: a sequence
    gets the same logits in a batch as alone. The logits of the tokens in `rare` are 100 smaller.
    """

    def __init__(
        self,
        limits: RunnerLimits,
        tokenizer: Tokenizer | None = None,
        seed: int = 0,
        rare: Sequence[int] = (),
    ) -> None:
        self._limits, self._tokenizer = limits, tokenizer
        self._rare = list(rare)
        random = np.random.default_rng(seed)

        def weights(*shape: int) -> Doubles:
            return random.normal(0, 0.4, shape)

        self._embed = weights(limits.vocabulary, WIDTH)
        self._place = weights(limits.context_length, WIDTH)
        self._query = weights(LAYERS, WIDTH, HEADS * HEAD)
        self._key_value = weights(LAYERS, WIDTH, 2 * KV_HEADS * HEAD)
        self._out = weights(LAYERS, HEADS * HEAD, WIDTH)
        self._up, self._down = weights(LAYERS, WIDTH, 32), weights(LAYERS, 32, WIDTH)
        self._shape = (LAYERS, max(1, limits.block_tokens), 2, KV_HEADS, HEAD)
        # NaN: a token that reads an unwritten place gets NaN logits.
        self._cache = np.full((limits.blocks if limits.block_tokens else 0, *self._shape), np.nan)
        self._own: dict[int, Doubles] = {}

    @property
    def limits(self) -> RunnerLimits:
        return self._limits

    @property
    def tokenizer(self) -> Tokenizer:
        assert self._tokenizer is not None, "this runner was made without a tokenizer"
        return self._tokenizer

    def forward(self, batch: Batch) -> Floats:
        assert len(batch.tokens) <= self._limits.batch_tokens
        states = np.empty((len(batch.tokens), WIDTH))
        for s, number in enumerate(batch.sequences):
            table = batch.blocks[batch.block_begins[s] : batch.block_begins[s + 1]]
            for t in range(batch.begins[s], batch.begins[s + 1]):
                position = int(batch.positions[t])
                assert position == batch.past[s] + t - batch.begins[s]
                states[t] = self._token(number, int(batch.tokens[t]), position, table)
        rows = [self._embed @ states[row] for row in batch.rows]
        logits = np.array(rows, np.float32).reshape(len(rows), self._limits.vocabulary)
        logits[:, self._rare] -= 100
        return logits

    @property
    def log_sum_exp(self) -> LogSumExp:
        return _log_sum_exp

    def release(self, sequence: int) -> None:
        self._own.pop(sequence, None)

    def describe(self) -> tuple[Runtime, str]:
        return Runtime(name="numpy", version=np.__version__, isa="none"), "float64"

    def _token(self, number: int, token: int, position: int, table: npt.NDArray[np.int32]) -> Doubles:
        state: Doubles = self._embed[token] + self._place[position]
        for layer in range(LAYERS):
            normal = _norm(state)
            pair = (normal @ self._key_value[layer]).reshape(2, KV_HEADS, HEAD)
            past = self._write(number, layer, position, pair, table)
            query = (normal @ self._query[layer]).reshape(KV_HEADS, HEADS // KV_HEADS, HEAD)
            scores = np.einsum("kgd,tkd->kgt", query, past[:, 0]) / HEAD**0.5
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            state = state + np.einsum("kgt,tkd->kgd", scores, past[:, 1]).reshape(-1) @ self._out[layer]
            state = state + np.tanh(_norm(state) @ self._up[layer]) @ self._down[layer]
        return _norm(state)

    def _write(self, number: int, layer: int, position: int, pair: Doubles, table: npt.NDArray[np.int32]) -> Doubles:
        """Returns keys and values up to this position, [position + 1, 2, KV_HEADS, HEAD]."""
        size = self._limits.block_tokens
        if not size:
            if number not in self._own:
                self._own[number] = np.full((LAYERS, self._limits.context_length, 2, KV_HEADS, HEAD), np.nan)
            own = self._own[number]
            own[layer, position] = pair
            return own[layer, : position + 1]
        self._cache[table[position // size], layer, position % size] = pair
        past: Doubles = self._cache[table[: position // size + 1], layer].reshape(-1, 2, KV_HEADS, HEAD)
        return past[: position + 1]


def _norm(state: Doubles) -> Doubles:
    result: Doubles = state / (state @ state / WIDTH + 1e-6) ** 0.5
    return result


def _log_sum_exp(logits: Floats, scales: Floats) -> Floats:
    scaled = logits.astype(np.float64) * scales[:, np.newaxis]
    sums: Floats = np.log(np.exp(scaled).sum(axis=1)).astype(np.float32)
    return sums
