"""What models.json says of a model, read from the files it was published with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def to_shape(task: str, folder: Path, config: Any) -> dict[str, Any]:
    """The numbers from which memory is computed. `config`: the model's, as Transformers names its members."""
    if task == "embed":
        longest = _read(folder / "sentence_bert_config.json").get("max_seq_length") or config.max_position_embeddings
        return {"contextLength": longest, "layers": config.num_hidden_layers, "dimensions": config.hidden_size}
    heads = config.num_attention_heads
    return {
        "contextLength": config.max_position_embeddings,
        "layers": config.num_hidden_layers,
        "kvHeads": getattr(config, "num_key_value_heads", None) or heads,
        "headDim": getattr(config, "head_dim", None) or config.hidden_size // heads,
    }


def to_options(task: str, folder: Path) -> dict[str, Any]:
    """Options of the profile: which pooling a model for embeddings was trained with (Sentence Transformers' file)."""
    if task != "embed":
        return {}
    pooling = _read(folder / "1_Pooling" / "config.json")
    return {"pooling": "cls" if pooling.get("pooling_mode_cls_token") else "mean", "normalize": True}


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf8")) if path.is_file() else {}
    return found
