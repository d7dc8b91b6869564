"""NomicBERT as its models are published: the configuration of a class of their own, which is not run here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import NomicBertConfig
from xim_worker import StartError

_WIDTH = "n_embd"
# A size as it is published, and as Transformers names it.
_SIZES = {
    _WIDTH: "hidden_size",
    "n_layer": "num_hidden_layers",
    "n_head": "num_attention_heads",
    "n_inner": "intermediate_size",
    "layer_norm_epsilon": "layer_norm_eps",
}
# What the model of Transformers computes. The published class has other defaults for the first five.
_WITHOUT_DEFAULT = {
    "activation_function": "swiglu",
    "rotary_emb_fraction": 1,
    "qkv_proj_bias": False,
    "mlp_fc1_bias": False,
    "mlp_fc2_bias": False,
}
_EXPECTED = {
    **_WITHOUT_DEFAULT,
    **dict.fromkeys(("prenorm", "parallel_block", "use_rms_norm", "causal", "rotary_emb_interleaved"), False),
    "rotary_emb_scale_base": None,
    "moe_every_n_layers": 0,
}


def read_nomic_bert(folder: Path) -> Any:
    """The configuration for Transformers, which leaves the published names aside and would take its own defaults.

    None for a model of another architecture, and for one that Transformers saved. Raises StartError for a relative with
    another computation, such as a mixture of experts.
    """
    path = folder / "config.json"
    values: dict[str, Any] = json.loads(path.read_text("utf8")) if path.is_file() else {}
    if values.get("model_type") != "nomic_bert" or _WIDTH not in values:
        return None
    for name, expected in _EXPECTED.items():
        found = values.get(name, None if name in _WITHOUT_DEFAULT else expected)
        if found != expected and not (found is None and not expected):
            raise StartError(
                f"{folder.name} is a NomicBERT with {name} = {json.dumps(found)}, and only models with "
                f"{json.dumps(expected)} are read, such as nomic-embed-text-v1.5; use an ONNX file of the model on the "
                "engine oneapi",
                permanent=True,
            )
    sizes = {name: values[published] for published, name in _SIZES.items() if values.get(published)}
    rope = values.get("rope_parameters") or {"rope_type": "default", "rope_theta": values.get("rotary_emb_base")}
    if len(sizes) < len(_SIZES) or rope.get("rope_theta") is None:
        raise StartError(
            f"config.json of {folder.name} lacks a size of NomicBERT, or the base of its rotary positions",
            permanent=True,
        )
    kept = ("vocab_size", "type_vocab_size", "pad_token_id", "num_labels")
    others = {name: values[name] for name in kept if values.get(name) is not None}
    return NomicBertConfig(**sizes, **others, rope_parameters=rope)
