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


FAMILIES = {
    "llama": Family(adjacent=True),
    "qwen2": Family(),
    "qwen3": Family(),
    "gemma2": Family(activation="gelu", scaled_embedding=True, local_layers=2),
    "gemma3": Family(activation="gelu", scaled_embedding=True, local_layers=6),
    "phi3": Family(),
    "granite": Family(adjacent=True),
    "smollm3": Family(adjacent=True, unrotated_layers=4),
}
