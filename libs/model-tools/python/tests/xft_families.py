"""Tiny models of the families whose repositories bring Python of their own, and the files they have to become.

The files are computed from the tensors' names alone, independently of the tables of `xim_convert`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

Tensors = dict[str, torch.Tensor]
HIDDEN, INNER, HEADS, LAYERS = 16, 24, 4, 2

_TORCH = {"fp16": torch.float16, "fp32": torch.float32, "bf16": torch.bfloat16, "fp8_e4m3": torch.float8_e4m3fn}

CHATGLM: dict[str, Any] = {
    "model_type": "chatglm",
    "hidden_size": HIDDEN,
    "ffn_hidden_size": INNER,
    "padded_vocab_size": 40,
    "num_layers": LAYERS,
    "num_attention_heads": HEADS,
    "multi_query_attention": True,
    "multi_query_group_num": 2,
    "kv_channels": HIDDEN // HEADS,
    "seq_length": 64,
    "layernorm_epsilon": 1.5625e-07,
    "rmsnorm": True,
    "post_layer_norm": True,
    "apply_residual_connection_post_layernorm": False,
    "add_qkv_bias": True,
    "add_bias_linear": False,
    "original_rope": True,
    "eos_token_id": [2, 3],
}

GLM4 = {**CHATGLM, "padded_vocab_size": 151_552, "rope_ratio": 500}

BAICHUAN: dict[str, Any] = {
    "model_type": "baichuan",
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "vocab_size": 64_000,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-6,
    "hidden_act": "silu",
    "bos_token_id": 1,
    "eos_token_id": 2,
}

BAICHUAN2 = {**BAICHUAN, "vocab_size": 125_696}

DEEPSEEK: dict[str, Any] = {
    "model_type": "deepseek_v3",
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "moe_intermediate_size": 8,
    "vocab_size": 40,
    "num_hidden_layers": LAYERS,
    "num_nextn_predict_layers": 1,
    "num_attention_heads": HEADS,
    "num_key_value_heads": HEADS,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-6,
    "hidden_act": "silu",
    "rope_theta": 20_000.0,
    "rope_scaling": {
        "type": "yarn",
        "factor": 40,
        "original_max_position_embeddings": 32,
        "beta_fast": 32,
        "beta_slow": 1,
        "mscale": 1.0,
        "mscale_all_dim": 0.7,
    },
    "q_lora_rank": 12,
    "kv_lora_rank": 6,
    "qk_rope_head_dim": 2,
    "qk_nope_head_dim": 5,
    "v_head_dim": 3,
    "first_k_dense_replace": 1,
    "n_shared_experts": 1,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "n_group": 2,
    "topk_group": 1,
    "norm_topk_prob": True,
    "routed_scaling_factor": 2.5,
    "topk_method": "noaux_tc",
    "scoring_func": "sigmoid",
    "bos_token_id": 0,
    "eos_token_id": 1,
}

DEEPSEEK_FP8 = {
    **DEEPSEEK,
    "quantization_config": {
        "quant_method": "fp8",
        "fmt": "e4m3",
        "activation_scheme": "dynamic",
        "weight_block_size": [128, 128],
    },
}

FAMILIES = {
    "chatglm2": CHATGLM,
    "chatglm4": GLM4,
    "baichuan": BAICHUAN,
    "baichuan2": BAICHUAN2,
    "deepseek_v3": DEEPSEEK,
    "deepseek_v3-fp8": DEEPSEEK_FP8,
}


def write_model(folder: Path, config: dict[str, Any]) -> Tensors:
    """With Python that must not run, as a repository of these families has it. Returns the tensors."""
    folder.mkdir(exist_ok=True)
    tensors = make_tensors(config)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    own_code = {"auto_map": {name: f"own_code.{name}" for name in ("AutoConfig", "AutoModel", "AutoModelForCausalLM")}}
    (folder / "config.json").write_text(json.dumps({**own_code, **config}))
    (folder / "own_code.py").write_text("raise AssertionError('the Python of a repository was run')")
    (folder / "tokenizer.json").write_text("{}")
    return tensors


def make_tensors(config: dict[str, Any]) -> Tensors:
    torch.manual_seed(0)
    if config["model_type"] == "chatglm":
        return {name: torch.randn(shape).to(torch.float16) for name, shape in _chatglm_shapes(config).items()}
    if config["model_type"] == "baichuan":
        return {name: torch.randn(shape).to(torch.bfloat16) for name, shape in _baichuan_shapes(config).items()}
    made = {name: torch.randn(shape) for name, shape in _deepseek_shapes(config).items()}
    kept = {name: one for name, one in made.items() if name.endswith("e_score_correction_bias")}
    if "quantization_config" not in config:
        return {**{name: one.to(torch.bfloat16) for name, one in made.items()}, **kept}
    quantised = {}
    for name, one in made.items():
        if one.dim() == 2 and not re.search(r"embed_tokens|head|mlp\.gate\.", name):
            quantised[name] = one.to(torch.float8_e4m3fn)
            quantised[f"{name}_scale_inv"] = torch.rand(1, 1)
        else:
            quantised[name] = one.to(torch.bfloat16)
    return {**quantised, **kept}


def _chatglm_shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    vocabulary, joined = config["padded_vocab_size"], HIDDEN + 2 * 2 * HIDDEN // HEADS
    shapes: dict[str, tuple[int, ...]] = {
        "transformer.embedding.word_embeddings.weight": (vocabulary, HIDDEN),
        "transformer.rotary_pos_emb.inv_freq": (2,),
        "transformer.encoder.final_layernorm.weight": (HIDDEN,),
        "transformer.output_layer.weight": (vocabulary, HIDDEN),
    }
    for layer in range(LAYERS):
        block = f"transformer.encoder.layers.{layer}."
        shapes |= {f"{block}{norm}_layernorm.weight": (HIDDEN,) for norm in ("input", "post_attention")}
        shapes[f"{block}self_attention.query_key_value.weight"] = (joined, HIDDEN)
        if config["add_qkv_bias"]:
            shapes[f"{block}self_attention.query_key_value.bias"] = (joined,)
        shapes[f"{block}self_attention.dense.weight"] = (HIDDEN, HIDDEN)
        shapes[f"{block}mlp.dense_h_to_4h.weight"] = (2 * INNER, HIDDEN)
        shapes[f"{block}mlp.dense_4h_to_h.weight"] = (HIDDEN, INNER)
    return shapes


def _baichuan_shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (config["vocab_size"], HIDDEN),
        "model.norm.weight": (HIDDEN,),
        "lm_head.weight": (config["vocab_size"], HIDDEN),
    }
    for layer in range(LAYERS):
        block = f"model.layers.{layer}."
        shapes |= {f"{block}{norm}_layernorm.weight": (HIDDEN,) for norm in ("input", "post_attention")}
        shapes[f"{block}self_attn.W_pack.weight"] = (3 * HIDDEN, HIDDEN)
        shapes[f"{block}self_attn.o_proj.weight"] = (HIDDEN, HIDDEN)
        shapes[f"{block}self_attn.rotary_emb.inv_freq"] = (2,)
        shapes |= _mlp(f"{block}mlp.", INNER)
    return shapes


def _mlp(block: str, inner: int) -> dict[str, tuple[int, ...]]:
    ways = {f"{block}{part}_proj.weight": (inner, HIDDEN) for part in ("gate", "up")}
    return {**ways, f"{block}down_proj.weight": (HIDDEN, inner)}


def _deepseek_shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    low, key = config["q_lora_rank"], config["kv_lora_rank"]
    rope, nope, value = config["qk_rope_head_dim"], config["qk_nope_head_dim"], config["v_head_dim"]
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (config["vocab_size"], HIDDEN),
        "model.norm.weight": (HIDDEN,),
        "lm_head.weight": (config["vocab_size"], HIDDEN),
    }
    # The last one predicts a further token, and the library does not know it.
    for layer in range(LAYERS + 1):
        block = f"model.layers.{layer}."
        attention = f"{block}self_attn."
        shapes |= {f"{block}{norm}_layernorm.weight": (HIDDEN,) for norm in ("input", "post_attention")}
        shapes |= {f"{attention}q_a_layernorm.weight": (low,), f"{attention}kv_a_layernorm.weight": (key,)}
        shapes[f"{attention}q_a_proj.weight"] = (low, HIDDEN)
        shapes[f"{attention}q_b_proj.weight"] = (HEADS * (nope + rope), low)
        shapes[f"{attention}kv_a_proj_with_mqa.weight"] = (key + rope, HIDDEN)
        shapes[f"{attention}kv_b_proj.weight"] = (HEADS * (nope + value), key)
        shapes[f"{attention}o_proj.weight"] = (HIDDEN, HEADS * value)
        if layer < config["first_k_dense_replace"]:
            shapes |= _mlp(f"{block}mlp.", INNER)
            continue
        experts = config["n_routed_experts"]
        shapes |= {f"{block}mlp.gate.weight": (experts, HIDDEN), f"{block}mlp.gate.e_score_correction_bias": (experts,)}
        for part in ("shared_experts", *(f"experts.{number}" for number in range(experts))):
            shapes |= _mlp(f"{block}mlp.{part}.", config["moe_intermediate_size"])
    shapes[f"model.layers.{LAYERS}.eh_proj.weight"] = (HIDDEN, 2 * HIDDEN)
    return shapes


def expected_bytes(family: str, tensors: Tensors, weights: str) -> dict[str, bytes]:
    """The content of every file by its name."""
    files = {}
    for name, tensor in tensors.items():
        if "inv_freq" in name or f".layers.{LAYERS}." in name:
            continue
        numbers = tensor
        dtype = _TORCH[weights]
        if family == "deepseek_v3-fp8":
            dtype = tensor.dtype if tensor.dim() == 2 else torch.bfloat16
        if family == "baichuan2" and name == "lm_head.weight":
            rows = tensor.float()
            numbers = rows / rows.square().sum(1, keepdim=True).sqrt()
        if tensor.dim() == 2 and not re.search(r"embed|head|output_layer", name):
            numbers = numbers.transpose(0, 1)
        if family.startswith("chatglm"):
            numbers = numbers.to(torch.float16)
        kept = numbers.to(dtype).contiguous()
        files[_file_name(family, name)] = kept.view(torch.uint8).numpy().tobytes()
    return files


def _file_name(family: str, name: str) -> str:
    ends = {
        "model.embed_tokens.weight": "wte",
        "transformer.embedding.word_embeddings.weight": "wte",
        "model.norm.weight": "final_layernorm.weight",
        "transformer.encoder.final_layernorm.weight": "final_layernorm.weight",
        "lm_head.weight": "lm_head.weight",
        "transformer.output_layer.weight": "lm_head.weight",
    }
    if name in ends:
        return f"model.{ends[name]}.bin"
    name = name.replace("transformer.encoder.", "model.").replace("self_attention.", "attention.")
    name = name.replace("self_attn.W_pack", "attention.query_key_value").replace("self_attn.o_proj", "attention.dense")
    numbered = not family.startswith("deepseek") and "norm" not in name
    return f"{name}.0.bin" if numbered else f"{name}.bin"
