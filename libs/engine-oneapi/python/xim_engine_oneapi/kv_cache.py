"""How many blocks of the key-value cache fit into the plan's bytes."""

from __future__ import annotations

from typing import Any

from xim_worker import StartError

BLOCK_TOKENS = 32
"""Tokens of a block: GenAI's own constant for CPUs."""


def blocks_for(kv_cache_bytes: int, shape: dict[str, Any]) -> int:
    """Blocks of `BLOCK_TOKENS` tokens in so many bytes; at least one.

    OpenVINO keeps keys and values as u8: values with scale and zero point (two float32) per token and head, keys with
    the same per element of a head and block. Its own setting counts whole gigabytes, which is too coarse here.
    """
    try:
        layers, heads, head_dim = (int(shape[name]) for name in ("layers", "kvHeads", "headDim"))
    except KeyError as missing:
        message = f"models.json gives no shape.{missing.args[0]}, which the cache's size needs"
        raise StartError(message, permanent=True) from None
    keys = (BLOCK_TOKENS + 8) * head_dim
    values = BLOCK_TOKENS * (head_dim + 8)
    return max(1, kv_cache_bytes // (layers * heads * (keys + values)))
