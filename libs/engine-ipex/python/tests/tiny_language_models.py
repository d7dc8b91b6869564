"""Language models of the real architectures with small random weights, as folders that Transformers saved.

`python tiny_language_models.py FOLDER NAME …` writes those of the names, with a tokenizer of bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

TEMPLATE = "{% for message in messages %}<turn>{{ message.role }}: {{ message.content }}{% endfor %}<turn>"
VOCABULARY = 258
"""256 bytes, `<end>` and `<turn>`."""
_END = 256

_SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 32_768,
    "bos_token_id": None,
    "eos_token_id": _END,
    "pad_token_id": _END,
    # Logits far enough apart for rounding to decide nothing.
    "initializer_range": 0.3,
}
_WINDOWS = {**_SIZES, "sliding_window": 24, "layer_types": ["sliding_attention", "full_attention"]}
_EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 32}
_LATENT = {"kv_lora_rank": 24, "q_lora_rank": None, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 12}
_LATENT |= {"num_key_value_heads": 4, "first_k_dense_replace": 1, "n_routed_experts": 4, "n_group": 1, "topk_group": 1}

CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", _SIZES),
    "qwen3": ("Qwen3", _SIZES),
    "mistral": ("Mistral", {**_SIZES, "sliding_window": 24}),
    # Scores are bounded, and every other layer sees a window.
    "gemma2": ("Gemma2", {**_WINDOWS, "query_pre_attn_scalar": 16}),
    # A score in each head that belongs to no key.
    "gpt_oss": ("GptOss", {**_WINDOWS, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen3_moe": ("Qwen3Moe", {**_SIZES, **_EXPERTS, "num_experts": 4}),
    # Keys and values of different sizes, out of one latent vector.
    "deepseek_v3": ("DeepseekV3", {**_SIZES, **_EXPERTS, **_LATENT, "head_dim": 8}),
    "gpt2": ("GPT2", {"vocab_size": VOCABULARY, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 2048}),
    # No keys: a state of a fixed size.
    "mamba": ("Mamba", {"vocab_size": VOCABULARY, "hidden_size": 64, "num_hidden_layers": 2, "state_size": 8}),
    # Biases of attention in place of positions.
    "bloom": ("Bloom", {"vocab_size": VOCABULARY, "hidden_size": 64, "n_layer": 2, "n_head": 4}),
    "phi3_longrope": ("Phi3", {**_SIZES, "original_max_position_embeddings": 64, "rope_scaling": None}),
}


def write(folder: Path, name: str) -> Path:
    kind, settings = CONFIGS[name]
    settings = {**settings}
    if name == "phi3_longrope":
        factors = [1.0 + index / 4 for index in range(8)]
        settings["rope_parameters"] = {
            "rope_type": "longrope",
            "rope_theta": 10_000.0,
            "long_factor": factors,
            "short_factor": [1.0] * 8,
            "original_max_position_embeddings": 64,
        }
        del settings["rope_scaling"]
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**settings)
    head = "GPT2LMHeadModel" if kind == "GPT2" else f"{kind}ForCausalLM"
    model = getattr(transformers, head)(config).eval()
    for parameter in model.parameters():
        # What an architecture begins with as zeros or small numbers is not small in a trained model.
        if parameter.std() < 0.1:
            parameter.data.add_(torch.randn_like(parameter) * 0.2)
    if name == "llama":
        # Random bytes are no text: printable ASCII is more probable than other bytes, which are numbered from 94 on.
        model.lm_head.weight.data[94:_END] *= 0.1
    model.save_pretrained(folder)
    _write_tokenizer(folder)
    return folder


def _write_tokenizer(folder: Path) -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<end>", "<turn>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    # Without the class, Transformers makes the tokenizer of the architecture, which may need other tokens.
    config = {"chat_template": TEMPLATE, "eos_token": "<end>", "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    root, *names = sys.argv[1:]
    for each in names:
        write(Path(root) / each, each)
