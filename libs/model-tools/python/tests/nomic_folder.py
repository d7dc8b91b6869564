"""A small NomicBERT with random weights, as such models are published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

CONFIG: dict[str, Any] = {
    "model_type": "nomic_bert",
    "architectures": ["NomicBertModel"],
    "auto_map": {"AutoModel": "modeling_hf_nomic_bert.NomicBertModel"},
    "n_embd": 16,
    "n_head": 2,
    "n_layer": 2,
    "n_inner": 24,
    "vocab_size": 90,
    "type_vocab_size": 2,
    "n_positions": 8192,
    "max_trained_positions": 2048,
    "rotary_emb_base": 500,
    "rotary_emb_fraction": 1.0,
    "activation_function": "swiglu",
    "layer_norm_epsilon": 1e-12,
    "rotary_emb_interleaved": False,
    "qkv_proj_bias": False,
    "mlp_fc1_bias": False,
    "mlp_fc2_bias": False,
    "prenorm": False,
    "causal": False,
}


def write_nomic_bert(folder: Path, **settings: Any) -> None:
    """`settings` replace members of `config.json`."""
    (folder / "config.json").write_text(json.dumps({**CONFIG, **settings}))
    width, inner = CONFIG["n_embd"], CONFIG["n_inner"]
    shapes = {
        "embeddings.word_embeddings.weight": (CONFIG["vocab_size"], width),
        "embeddings.token_type_embeddings.weight": (CONFIG["type_vocab_size"], width),
        **{f"emb_ln.{kind}": (width,) for kind in ("weight", "bias")},
    }
    for layer in (f"encoder.layers.{number}" for number in range(CONFIG["n_layer"])):
        shapes |= {f"{layer}.norm{n}.{kind}": (width,) for n in (1, 2) for kind in ("weight", "bias")}
        shapes |= {f"{layer}.attn.Wqkv.weight": (3 * width, width), f"{layer}.attn.out_proj.weight": (width, width)}
        shapes |= {f"{layer}.mlp.{name}.weight": (inner, width) for name in ("fc11", "fc12")}
        shapes |= {f"{layer}.mlp.fc2.weight": (width, inner)}
    numbers = np.random.RandomState(0)
    tensors = {name: numbers.standard_normal(shape).astype(np.float32) * 0.5 for name, shape in shapes.items()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
