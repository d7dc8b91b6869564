"""`python gguf_to_xft.py FILE FOLDER`: a GGUF of the architecture llama as the library's converter writes it.

For tests with real weights where there are no safetensors: numbers in 16 bits, the tokenizer beside them. Runs in the
environment of the engine oneapi, whose reader of tokenizers it uses.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from gguf import GGUFReader, dequantize

Matrix = npt.NDArray[np.float32]

_NAMES = {
    "attn_norm": "input_layernorm.weight",
    "ffn_norm": "post_attention_layernorm.weight",
    "attn_output": "attention.dense.weight.0",
    "ffn_gate": "mlp.gate_proj.weight.0",
    "ffn_up": "mlp.up_proj.weight.0",
    "ffn_down": "mlp.down_proj.weight.0",
}


def convert(file: Path, folder: Path) -> None:
    from xim_engine_oneapi.gguf import read_header, read_tokenizer

    reader = GGUFReader(file)
    tensors = {tensor.name: tensor for tensor in reader.tensors}

    def field(name: str) -> float:
        return float(reader.fields[f"llama.{name}"].contents())

    def read(name: str) -> Matrix:
        tensor = tensors[f"{name}.weight"]
        return np.asarray(dequantize(tensor.data, tensor.tensor_type), np.float32)

    def write(name: str, values: Matrix) -> None:
        np.ascontiguousarray(values, np.float16).tofile(folder / f"model.{name}.bin")

    heads, kv_heads = int(field("attention.head_count")), int(field("attention.head_count_kv"))
    hidden, layers = int(field("embedding_length")), int(field("block_count"))
    for layer in range(layers):
        block = f"blk.{layer}"
        for theirs, ours in _NAMES.items():
            values = read(f"{block}.{theirs}")
            write(f"layers.{layer}.{ours}", values.T if values.ndim == 2 else values)
        query = _halves(read(f"{block}.attn_q"), heads)
        key = _halves(read(f"{block}.attn_k"), kv_heads)
        joined = np.concatenate([query, key, read(f"{block}.attn_v")])
        write(f"layers.{layer}.attention.query_key_value.weight.0", joined.T)
    embedding = read("token_embd")
    write("wte", embedding)
    write("lm_head.weight", read("output") if "output.weight" in tensors else embedding)
    write("final_layernorm.weight", read("output_norm"))
    config = {
        "model_name": "llama",
        "head_num": heads,
        "kv_head_num": kv_heads,
        "hidden_size": hidden,
        "size_per_head": hidden // heads,
        "inter_size": int(field("feed_forward_length")),
        "max_pos_seq_len": int(field("context_length")),
        "num_layer": layers,
        "layernorm_eps": field("attention.layer_norm_rms_epsilon"),
        "layernorm_type": "pre_layernorm",
        "activation_type": "silu",
        "rope_theta": field("rope.freq_base"),
        "scaling_factor": 1.0,
        "rope_type": "null",
        "has_post_decoder_layernorm": 1,
        "vocab_size": len(embedding),
        "start_id": reader.fields["tokenizer.ggml.bos_token_id"].contents(),
        "end_id": reader.fields["tokenizer.ggml.eos_token_id"].contents(),
        "weight_data_type": "fp16",
        "attn_params_type": "GQAttnParams",
        "ffn_params_type": "LlamaFFNParams",
    }
    lines = [f"{name} = {value}" for name, value in config.items()]
    (folder / "config.ini").write_text("\n".join(["[llama]", *lines, ""]))
    tokenizer = read_tokenizer(read_header(file))
    (folder / "tokenizer.json").write_text(tokenizer.backend.to_str())
    described = {"chat_template": tokenizer.template, "bos_token": tokenizer.bos, "eos_token": tokenizer.eos}
    (folder / "tokenizer_config.json").write_text(json.dumps(described))


def _halves(weight: Matrix, heads: int) -> Matrix:
    """llama.cpp keeps the two halves of a head interleaved for its rotary embedding; the library keeps them apart."""
    size = len(weight) // heads
    apart: Matrix = weight.reshape(heads, size // 2, 2, -1).swapaxes(1, 2).reshape(weight.shape)
    return apart


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
