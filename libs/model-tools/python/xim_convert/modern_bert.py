"""ModernBERT: which layers attend to all tokens, and which tokens the other layers attend to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from .errors import ConvertError

KIND = "modernbert"
"""`model_type` in config.json."""

_EVERY = "global_attn_every_n_layers"
_GLOBAL = "full_attention"


def prepare_modern_bert(folder: Path) -> None:
    """Writes into `config.json` that every n-th layer is global, where it names the layers one by one.

    Transformers reads both, and its model of the version here only the first. Raises ConvertError for another order.
    """
    path = folder / "config.json"
    config = json.loads(path.read_text("utf8"))
    layers = config.get("layer_types")
    if layers is None:
        return
    every = layers.index(_GLOBAL, 1) if _GLOBAL in layers[1:] else len(layers)
    if [layer == _GLOBAL for layer in layers] != [number % every == 0 for number in range(len(layers))]:
        raise ConvertError("this ModernBERT has layers with global attention in another order than every n-th")
    # Of a copy: the file may be a link to the original.
    path.unlink()
    path.write_text(json.dumps({**config, _EVERY: every}), "utf8")


def to_masks(model: Any, attention_mask: torch.Tensor, output_attentions: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Which tokens (last axis) a token sees, in layers with global and with local attention.

    Padding sees itself: without any token to see, its result would be no number in some precisions, and that spreads.
    """
    seen = attention_mask[:, None, None, :].bool()
    positions = torch.arange(attention_mask.shape[1])
    distance = (positions[:, None] - positions[None, :]).abs()
    return seen, (seen & (distance <= model.config.local_attention // 2)) | (distance == 0)
