"""Samples the next token of each sequence from its row of logits.

Exact: the distribution covers the whole vocabulary. Each sequence has its own random generator, so its tokens depend on
its seed and its logits alone, not on other sequences of the batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .logprobs import best_tokens
from .params import SamplingParams
from .weights import Weights

Row = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint32]
Tokens = npt.NDArray[np.int64]

_TRIES = 3
"""Draws from the whole distribution before the nucleus is sorted. Either way the token has the same distribution."""
_LEAST_TRIED = 0.5
"""Below this top-p, most of these draws would be in vain."""


class SequenceSampler:
    """The sampling state of one sequence.

    `prompt`: its tokens, used only by the repetition penalty. `number` of the choice: its seed is `params.seed +
    number`.
    """

    def __init__(self, params: SamplingParams, prompt: Sequence[int], number: int = 0) -> None:
        self.params = params
        self.greedy = params.greedy
        """Always takes the most probable token."""
        self.plain = self.greedy and not params.penalised and not params.bias
        """Always takes the most probable token of the unchanged logits."""
        cuts = params.top_k is not None or params.min_p > 0 or params.typical_p < 1
        self._tries = not self.greedy and not cuts and params.top_p >= _LEAST_TRIED
        """Tokens of the whole distribution are drawn until one is in the nucleus of top-p."""
        self._chance = None if self.greedy else np.random.Generator(np.random.PCG64((params.seed + number) % 2**63))
        self._generated: Counter[int] = Counter()
        self._seen = set(prompt) if params.repetition_penalty != 1 else set()
        self._bias_tokens = np.fromiter(params.bias.keys(), np.int64, len(params.bias))
        self._bias_values = np.fromiter(params.bias.values(), np.float32, len(params.bias))

    def take(self, token: int) -> None:
        """Counts the generated `token` for the penalties."""
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

    @property
    def sum_scale(self) -> float | None:
        """The factor of the logits in the `log_sum` of `draw`; None: not needed, or `adjust` changes the logits."""
        params = self.params
        if self.greedy or params.penalised or params.bias or params.top_k or params.min_p or params.typical_p < 1:
            return None
        return 1 / self.params.temperature

    def draw(self, row: Row, scratch: Row, log_sum: float | None = None) -> int:
        """Samples a token from the adjusted logits `row` [vocabulary]; `scratch` has the shape of `row` and is
        overwritten.

        The order of the cuts: min-p, top-k, top-p over the tokens that remain, then locally typical sampling over
        these.

        `log_sum`: ln of the sum of exp(logit / temperature) over the row, where it is known.
        """
        if self._chance is None:
            return int(row.argmax())
        params, chance = self.params, self._chance.random()
        weighed = Weights(row, params.temperature, scratch)
        if params.top_k is not None or params.min_p > 0:
            kept = best_tokens(row, params.top_k) if params.top_k is not None else weighed.above(params.min_p)
            weights = weighed.of(kept)
            kept, weights = kept[weights >= params.min_p], weights[weights >= params.min_p]
            return self._draw_cut(kept, weights, chance, float(weights.sum(dtype=np.float64)))
        whole = weighed.sum() if log_sum is None else weighed.relative(log_sum)
        if self._tries:
            for _ in range(_TRIES):
                token, more = weighed.find(chance * whole)
                # The nucleus contains a token if the more probable tokens do not reach top-p.
                if params.top_p >= 1 or more < params.top_p * whole:
                    return token
                chance = self._chance.random()
        kept, weights = weighed.around(params.top_p * whole)
        return self._draw_cut(kept, weights, chance, whole)

    def _draw_cut(self, tokens: Tokens, weights: Row, chance: float, whole: float) -> int:
        """Samples among the tokens that top-p, relative to the sum `whole`, and locally typical sampling leave."""
        top_p, typical_p = self.params.top_p, self.params.typical_p
        order = (-weights).argsort(kind="stable")
        sums = weights[order].cumsum(dtype=np.float64)
        count = sums.size if top_p >= 1 else min(int(sums.searchsorted(top_p * whole)) + 1, sums.size)
        order, sums = order[:count], sums[:count]
        if typical_p < 1:
            order = order[_typical(weights[order], typical_p)]
            sums = weights[order].cumsum(dtype=np.float64)
        place = int(sums.searchsorted(chance * sums[-1], side="right"))
        return int(tokens[order[min(place, order.size - 1)]])


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
"""[256, 8]: the values that eight bits of a mask add to the logits of their tokens."""


def _typical(weights: Row, mass: float) -> npt.NDArray[np.int64]:
    """Indices of the tokens whose information is closest to the entropy, up to `mass` (Meister et al. 2022, sec. 3)."""
    places = np.flatnonzero(weights > 0)
    share = weights[places].astype(np.float64) / weights.sum(dtype=np.float64)
    information = -np.log(share)
    order = np.argsort(np.abs(information - float((share * information).sum())), kind="stable")
    count = int(np.searchsorted(np.cumsum(share[order]), mass, side="left")) + 1
    return np.sort(places[order[:count]])
