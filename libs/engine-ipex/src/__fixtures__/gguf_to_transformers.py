"""`python gguf_to_transformers.py FILE FOLDER`: a GGUF of the architecture llama as a folder of Transformers, in f32.

For tests with real weights where there are no safetensors. Runs in the environment of the engine oneapi and uses its
reader of tokenizers.
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
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OUTSIDE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def convert(file: Path, folder: Path) -> None:
    from xim_engine_oneapi.gguf import read_header, read_tokenizer

    reader = GGUFReader(file)

    def field(name: str) -> float:
        return float(reader.fields[f"llama.{name}"].contents())

    heads = {"attn_q": int(field("attention.head_count")), "attn_k": int(field("attention.head_count_kv"))}
    tensors: dict[str, Matrix] = {}
    for tensor in reader.tensors:
        values = np.asarray(dequantize(tensor.data, tensor.tensor_type), np.float32)
        *block, kind, _ = tensor.name.split(".")
        if kind in heads:
            values = _halves(values, heads[kind])
        name = f"model.layers.{block[1]}.{_NAMES[kind]}" if block else _OUTSIDE[kind]
        tensors[f"{name}.weight"] = values
    _write_safetensors(folder / "model.safetensors", tensors)
    end = reader.fields["tokenizer.ggml.eos_token_id"].contents()
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": int(field("embedding_length")),
        "intermediate_size": int(field("feed_forward_length")),
        "num_hidden_layers": int(field("block_count")),
        "num_attention_heads": heads["attn_q"],
        "num_key_value_heads": heads["attn_k"],
        "max_position_embeddings": int(field("context_length")),
        "rms_norm_eps": field("attention.layer_norm_rms_epsilon"),
        "rope_theta": field("rope.freq_base"),
        "tie_word_embeddings": "lm_head.weight" not in tensors,
        "vocab_size": len(tensors["model.embed_tokens.weight"]),
        "bos_token_id": reader.fields["tokenizer.ggml.bos_token_id"].contents(),
        "eos_token_id": end,
    }
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer = read_tokenizer(read_header(file))
    (folder / "tokenizer.json").write_text(tokenizer.backend.to_str())
    described = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": tokenizer.template,
        "bos_token": tokenizer.bos,
        "eos_token": tokenizer.eos,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(described))


def _halves(weight: Matrix, heads: int) -> Matrix:
    """llama.cpp keeps the two halves of a head interleaved for its rotary embedding; Transformers keeps them apart."""
    size = len(weight) // heads
    apart: Matrix = weight.reshape(heads, size // 2, 2, -1).swapaxes(1, 2).reshape(weight.shape)
    return apart


def _write_safetensors(path: Path, tensors: dict[str, Matrix]) -> None:
    """Source: https://huggingface.co/docs/safetensors/index#format."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, values in tensors.items():
        begin, end = end, end + values.nbytes
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for values in tensors.values():
            file.write(np.ascontiguousarray(values, "<f4").data)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
