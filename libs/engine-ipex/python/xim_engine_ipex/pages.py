"""Keys and values of all sequences in blocks, and attention over them, for models of Transformers.

Transformers lets a program register a function for the attention of its models; `ATTENTION` is the name of the function
here. A batch is one row of tokens, without padding: the projections are computed for all sequences together, and the
attention per group of sequences. Source: https://huggingface.co/docs/transformers/attention_interface.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import causal_mask_function
from xim_generation.runner import Batch, Int32s

ATTENTION = "xim_pages"
BLOCK_TOKENS = 32
"""Tokens of a block: a prefix is shared in blocks, and a sequence wastes half a block on average."""

_SPREAD = 2
"""Single tokens share a computation, if the longest sequence has at most this many times the blocks of the shortest."""

MaskRule = Callable[[Any, Any, torch.Tensor, torch.Tensor], torch.Tensor]
"""Whether the query at a position sees the key at a position: (batch, head, query, key) → bool, as in Transformers."""


class Unsupported(Exception):
    """The model's attention needs more than keys, values and a rule of positions."""


@dataclass
class Group:
    """S sequences with the same number N of new tokens."""

    tokens: slice | torch.Tensor
    """Indices of the S * N tokens in the batch, sequence by sequence."""
    count: int
    """S"""
    positions: torch.Tensor
    """[S, N] of the new tokens."""
    table: torch.Tensor
    """[S * blocks]: the blocks of each sequence, filled up with its last block."""
    fresh: bool
    """Whether nothing is in the cache before these tokens: one sequence, whose keys are all in the batch."""
    _masks: dict[MaskRule, torch.Tensor] = field(default_factory=dict)

    def mask(self, rule: MaskRule) -> torch.Tensor:
        """[S, 1, N, keys], the same for all layers with this rule."""
        found = self._masks.get(rule)
        if found is None:
            keys = torch.arange(self.table.numel() // self.count * BLOCK_TOKENS)
            found = rule(0, 0, self.positions[:, None, :, None], keys[None, None, None, :])
            self._masks[rule] = found
        return found


class Pages:
    """The blocks of every layer, allocated when the layer is computed for the first time."""

    def __init__(self, blocks: int) -> None:
        self.blocks = blocks
        self._layers: dict[torch.nn.Module, tuple[torch.Tensor, torch.Tensor]] = {}
        self._slots = torch.zeros(0, dtype=torch.int64)
        self._groups: list[Group] = []

    @property
    def layers(self) -> int:
        return len(self._layers)

    @property
    def block_bytes(self) -> int:
        """Of one block in all layers that have been computed."""
        return sum(part[0].numel() * part.element_size() for layer in self._layers.values() for part in layer)

    def begin(self, batch: Batch) -> None:
        """Called before the model computes `batch`."""
        owners = np.repeat(np.arange(len(batch.sequences)), np.diff(batch.begins))
        blocks = batch.blocks[batch.block_begins[owners] + batch.positions // BLOCK_TOKENS]
        self._slots = torch.from_numpy(blocks.astype(np.int64) * BLOCK_TOKENS + batch.positions % BLOCK_TOKENS)
        self._groups = to_groups(batch)

    def attend(
        self,
        layer: torch.nn.Module,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        rule: MaskRule,
        weigh: Callable[..., torch.Tensor],
    ) -> torch.Tensor:
        """Attention of the batch's tokens, [1, T, heads, size].

        `query` [1, heads, T, size]; `key` and `value` [1, KV heads, T, size].
        """
        keys, values = self._layer(layer, key, value)
        keys.view(-1, *keys.shape[2:]).index_copy_(0, self._slots, key[0].transpose(0, 1))
        values.view(-1, *values.shape[2:]).index_copy_(0, self._slots, value[0].transpose(0, 1))
        output = query.new_empty(1, query.shape[2], query.shape[1], value.shape[-1])
        for group in self._groups:
            asked = query[0][:, group.tokens]
            if group.fresh and rule is causal_mask_function:
                own_keys, own_values = key[:, :, group.tokens], value[:, :, group.tokens]
                result = weigh(asked[None], own_keys, own_values, None)
            else:
                # [heads, S * N, size] → [S, heads, N, size]
                asked = asked.unflatten(1, (group.count, -1)).transpose(0, 1)
                result = weigh(asked, _read(keys, group), _read(values, group), group.mask(rule))
            output[0, group.tokens] = result.transpose(1, 2).flatten(0, 1)
        return output

    def _layer(
        self, layer: torch.nn.Module, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values, [blocks, BLOCK_TOKENS, KV heads, size].

        Zeros at first: masked values are multiplied by 0, so they have to be numbers.
        """
        found = self._layers.get(layer)
        if found is None:
            shapes = ((self.blocks, BLOCK_TOKENS, part.shape[1], part.shape[3]) for part in (key, value))
            keys, values = (torch.zeros(shape, dtype=key.dtype) for shape in shapes)
            found = self._layers[layer] = (keys, values)
        return found


def to_groups(batch: Batch) -> list[Group]:
    """Sequences with one new token together, by length; every other sequence alone."""
    counts = np.diff(batch.begins)
    groups = []
    for s in np.flatnonzero(counts > 1).tolist():
        tokens = slice(int(batch.begins[s]), int(batch.begins[s + 1]))
        table = batch.blocks[batch.block_begins[s] : batch.block_begins[s + 1]]
        positions = torch.from_numpy(batch.positions[tokens])[None]
        groups.append(Group(tokens, 1, positions, torch.from_numpy(table.copy()), fresh=batch.past[s] == 0))
    needed = -(-(batch.past + 1) // BLOCK_TOKENS)
    singles = np.flatnonzero(counts == 1)
    singles = singles[np.argsort(needed[singles], kind="stable")]
    while singles.size:
        together = int(np.searchsorted(needed[singles], _SPREAD * needed[singles[0]], side="right"))
        groups.append(_to_group_of_singles(batch, singles[:together], needed[singles[:together]]))
        singles = singles[together:]
    return groups


def _to_group_of_singles(batch: Batch, members: np.ndarray[Any, Any], needed: Int32s) -> Group:
    columns = np.minimum(np.arange(needed.max()), needed[:, None] - 1)
    table = batch.blocks[batch.block_begins[members][:, None] + columns]
    tokens = torch.from_numpy(batch.begins[members].astype(np.int64))
    positions = torch.from_numpy(batch.positions[batch.begins[members]])[:, None]
    return Group(tokens, len(members), positions, torch.from_numpy(table.ravel()), fresh=False)


def _read(blocks: torch.Tensor, group: Group) -> torch.Tensor:
    """[S, KV heads, keys, size]"""
    found = blocks.index_select(0, group.table)
    return found.view(group.count, -1, *blocks.shape[2:]).transpose(1, 2)


def _to_weigh(scaling: float | None, softcap: float | None, sinks: torch.Tensor | None) -> Callable[..., torch.Tensor]:
    def weigh(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """[S, heads, N, size]. Without a mask each query sees the keys up to its own."""
        sequences, heads, new, size = query.shape
        kv_heads = key.shape[1]
        if softcap is None and sinks is None and mask is None:
            return functional.scaled_dot_product_attention(
                query, key, value, is_causal=True, scale=scaling, enable_gqa=heads != kv_heads
            )
        # Heads that share keys become further queries, so that keys are not repeated.
        query = query.reshape(sequences, kv_heads, -1, size)
        if mask is None:
            mask = torch.ones(new, new, dtype=torch.bool).tril()[None, None]
        mask = mask.repeat(1, 1, heads // kv_heads, 1)
        if softcap is None and sinks is None:
            result = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scaling)
        else:
            result = _weigh_slowly(query, key, value, mask, scaling, softcap, sinks)
        return result.reshape(sequences, heads, new, -1)

    return weigh


def _weigh_slowly(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor,
    scaling: float | None,
    softcap: float | None,
    sinks: torch.Tensor | None,
) -> torch.Tensor:
    """Scores bounded by `softcap` (Gemma 2, arXiv:2408.00118, section 2), and `sinks` [heads], scores of a key without
    a value (gpt-oss, arXiv:2508.10925, section 2.2)."""
    scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    scores = scores.masked_fill(~mask, -torch.inf)
    if sinks is not None:
        kv_heads = key.shape[1]
        new = query.shape[2] * kv_heads // sinks.numel()
        columns = sinks.view(kv_heads, -1, 1).expand(-1, -1, new).reshape(1, kv_heads, -1, 1)
        scores = torch.cat([scores, columns.expand(len(scores), -1, -1, -1).to(scores.dtype)], dim=-1)
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(value.dtype)
    return weights[..., : key.shape[2]] @ value


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: _Rule | None,
    *,
    pages: Pages | None = None,
    scaling: float | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    position_bias: torch.Tensor | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    if pages is None or not isinstance(attention_mask, _Rule) or position_bias is not None:
        raise Unsupported(f"{type(module).__name__} does not hand its attention what the blocks need")
    weigh = _to_weigh(scaling, softcap, s_aux)
    return pages.attend(module, query, key, value, attention_mask.rule, weigh), None


@dataclass(frozen=True)
class _Rule:
    """What a model gets instead of a mask."""

    rule: MaskRule


def _mask(*_: Any, mask_function: MaskRule = causal_mask_function, use_vmap: bool = False, **__: Any) -> _Rule:
    if use_vmap:
        raise Unsupported("the model's mask depends on more than positions")
    return _Rule(mask_function)


AttentionInterface.register(ATTENTION, _attention)
AttentionMaskInterface.register(ATTENTION, _mask)
