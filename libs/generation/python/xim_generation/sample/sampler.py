"""The next token of each sequence out of its row of logits.

Exact: the distribution is that of the whole vocabulary. A sequence has a random generator of its own, so its tokens
depend on its seed and its logits alone, not on the sequences beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .logprobs import best_tokens
from .params import SamplingParams

Row = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint32]

_BLOCK = 256


class SequenceSampler:
    """Sampling of one sequence.

    `prompt`: its tokens, which only the repetition penalty looks at. `number` of the choice: each has the seed
    `params.seed + number`.
    """

    def __init__(self, params: SamplingParams, prompt: Sequence[int], number: int = 0) -> None:
        self.params = params
        self.greedy = params.greedy
        """The most probable token is taken."""
        self.plain = self.greedy and not params.penalised and not params.bias
        """The most probable token of the logits as they are is taken."""
        self._chance = None if self.greedy else np.random.Generator(np.random.PCG64((params.seed + number) % 2**63))
        self._generated: Counter[int] = Counter()
        self._seen = set(prompt) if params.repetition_penalty != 1 else set()
        self._bias_tokens = np.fromiter(params.bias.keys(), np.int64, len(params.bias))
        self._bias_values = np.fromiter(params.bias.values(), np.float32, len(params.bias))

    def take(self, token: int) -> None:
        """`token` was generated; the penalties count it."""
        if self.params.penalised:
            self._generated[token] += 1

    def adjust(self, row: Row) -> None:
        """Penalties and bias, in place.

        Repetition: a positive logit of a token seen in prompt or output is divided by the penalty, a negative one
        multiplied (Keskar et al. 2019, CTRL, section 4.1). Presence and frequency: subtracted from the logits of
        generated tokens, once or per occurrence (OpenAI, API reference).
        """
        params = self.params
        if params.repetition_penalty != 1 and (self._seen or self._generated):
            seen = np.fromiter(self._seen | self._generated.keys(), np.int64)
            logits = row[seen]
            row[seen] = np.where(logits > 0, logits / params.repetition_penalty, logits * params.repetition_penalty)
        if self._generated and (params.presence_penalty or params.frequency_penalty):
            tokens = np.fromiter(self._generated.keys(), np.int64, len(self._generated))
            counts = np.fromiter(self._generated.values(), np.float32, len(self._generated))
            row[tokens] -= params.presence_penalty + params.frequency_penalty * counts
        if self._bias_tokens.size:
            row[self._bias_tokens] += self._bias_values

    def draw(self, row: Row, scratch: Row) -> int:
        """A token out of adjusted logits `row` [vocabulary]; `scratch` has its shape and is overwritten.

        The order of the cuts: min-p, top-k, top-p over what the two have left.
        """
        if self._chance is None:
            return int(row.argmax())
        params = self.params
        weights = scratch
        np.subtract(row, row.max(), out=weights)
        weights *= np.float32(1 / params.temperature)
        np.exp(weights, out=weights)
        if params.top_k is None and params.min_p == 0 and params.top_p >= 1:
            return _draw_from_all(weights, self._chance)
        kept, chances = _cut(row, weights, params)
        place = np.searchsorted(np.cumsum(chances, dtype=np.float64), self._chance.random() * chances.sum(dtype=float))
        return int(kept[min(int(place), kept.size - 1)])


def is_allowed(mask: Words, token: int) -> bool:
    """Whether the bit of `token` is set in `mask` [ceil(vocabulary / 32)]."""
    return bool(mask[token >> 5] >> np.uint32(token & 31) & np.uint32(1))


def apply_mask(row: Row, mask: Words, scratch: Row) -> None:
    """Logits of tokens whose bit in `mask` [ceil(vocabulary / 32)] is not set become -inf, in place.

    `scratch` has the shape of `row` and is overwritten.
    """
    octets = mask.view(np.uint8)
    whole = row.size // 8
    np.take(_OCTETS, octets[:whole], axis=0, out=scratch[: whole * 8].reshape(-1, 8))
    if row.size % 8:
        scratch[whole * 8 :] = _OCTETS[octets[whole], : row.size % 8]
    np.add(row, scratch, out=row)


_OCTETS = np.where(np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1, bitorder="little"), 0, -np.inf)
_OCTETS = _OCTETS.astype(np.float32)
"""[256, 8]: what eight bits of a mask add to the logits of their tokens."""


def _draw_from_all(weights: Row, chance: np.random.Generator) -> int:
    """A token with a probability proportional to its weight. Sums of blocks find the block, then the token in it."""
    starts = np.arange(0, weights.size, _BLOCK)
    sums = np.cumsum(np.add.reduceat(weights, starts), dtype=np.float64)
    target = chance.random() * sums[-1]
    block = min(int(np.searchsorted(sums, target, side="right")), sums.size - 1)
    inside = np.cumsum(weights[starts[block] : starts[block] + _BLOCK], dtype=np.float64)
    rest = target - (sums[block - 1] if block else 0.0)
    token = int(starts[block]) + min(int(np.searchsorted(inside, rest, side="right")), inside.size - 1)
    # Rounding may lead to a token of no weight at the end of a block.
    return token if weights[token] > 0 else int(weights.argmax())


def _cut(row: Row, weights: Row, params: SamplingParams) -> tuple[npt.NDArray[np.int64], Row]:
    """The tokens that the cuts leave, most probable first, and their weights. The greatest weight is 1."""
    if params.top_k is not None:
        kept = best_tokens(row, params.top_k)
        if params.min_p > 0:
            kept = kept[weights[kept] >= params.min_p]
    elif params.min_p > 0:
        kept = _sorted(weights, np.flatnonzero(weights >= params.min_p))
    else:
        whole = float(weights.sum())
        kept = _sorted(weights, _around_nucleus(weights, params.top_p * whole))
    chances = weights[kept]
    if params.top_p < 1:
        whole = whole if params.top_k is None and params.min_p == 0 else float(chances.sum())
        reached = np.cumsum(chances, dtype=np.float64) >= params.top_p * whole
        count = int(reached.argmax()) + 1 if reached.any() else kept.size
        kept, chances = kept[:count], chances[:count]
    return kept, chances


def _around_nucleus(weights: Row, share: float) -> npt.NDArray[np.int64]:
    """The tokens above the highest of some weights that together reach `share`: few of them are worth sorting."""
    for least in (1e-2, 1e-4):
        tokens = np.flatnonzero(weights >= np.float32(least))
        if float(weights[tokens].sum()) >= share:
            return tokens
    return np.flatnonzero(weights > 0)


def _sorted(weights: Row, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    ordered: npt.NDArray[np.int64] = tokens[np.argsort(-weights[tokens], kind="stable")]
    return ordered
