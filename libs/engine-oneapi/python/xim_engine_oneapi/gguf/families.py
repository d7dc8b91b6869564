"""The model families whose graph can be built, by `general.architecture` of a GGUF file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """How a family differs from Llama. Biases, norms of queries and keys and norms after a block follow from the file.

    Source: the model definitions of llama.cpp (`src/models`, `src/llama-model.cpp`).
    """

    adjacent: bool = False
    """Rotary embedding turns neighbouring elements (2 i, 2 i + 1) of a head; else (i, i + half of the rotated size)."""
    activation: str = "silu"
    """Of the gate of the feed-forward block: `silu` or `gelu` (tanh approximation)."""
    scaled_embedding: bool = False
    """The embedding is multiplied by the square root of its size."""
    local_layers: int = 0
    """n: all layers but each n-th see a sliding window, with a rotary base of their own. 0: all layers are alike."""
    unrotated_layers: int = 0
    """n: each n-th layer has no rotary embedding. 0: all layers have."""
    local_base: float = 10000.0
    """Rotary base of the layers with a sliding window, where the file gives none."""
    experts: bool = False
    """The feed-forward block may be a mixture of experts, with the normalised chances of the chosen ones as shares."""
    shared_scale_layers: int = 0
    """The model with this number of layers scales scores by the embedding's size per head, not by the head's size."""


REASONS = {
    "gemma2": "its attention scores have a soft cap, which paged attention lacks",
    "qwen2moe": "its experts have one in common, which is not supported",
}
"""Why a well-known architecture is missing."""

FAMILIES = {
    "llama": Family(adjacent=True, experts=True),
    "qwen2": Family(),
    "qwen3": Family(),
    "qwen3moe": Family(experts=True),
    "gemma3": Family(activation="gelu", scaled_embedding=True, local_layers=6, shared_scale_layers=62),
    "phi3": Family(),
    "granite": Family(adjacent=True),
    "granitemoe": Family(adjacent=True, experts=True),
    "smollm3": Family(adjacent=True, unrotated_layers=4),
}
