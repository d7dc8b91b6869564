"""`python make_model.py FOLDER`: a folder that the engine takes for a converted model, with a tokenizer of bytes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from shapes import byte_tokenizer

TEMPLATE = "{% for message in messages %}<turn>{{ message.role }}: {{ message.content }}{% endfor %}<turn>"
_CONFIG = {
    "head_num": 2,
    "kv_head_num": 1,
    "hidden_size": 16,
    "size_per_head": 8,
    "num_layer": 2,
    "max_pos_seq_len": 32768,
    "weight_data_type": "fp16",
}


def make_model(folder: Path) -> None:
    tokenizer = byte_tokenizer("<turn>", template=TEMPLATE)
    vocabulary = len(tokenizer)
    lines = [f"{name} = {value}" for name, value in {**_CONFIG, "vocab_size": vocabulary}.items()]
    (folder / "config.ini").write_text("\n".join(["[llama]", *lines, ""]))
    np.zeros((vocabulary, 16), np.float16).tofile(folder / "model.wte.bin")
    for name in ("final_layernorm.weight", "layers.0.input_layernorm.weight", "layers.1.input_layernorm.weight"):
        np.zeros(16, np.float16).tofile(folder / f"model.{name}.bin")
    described = json.loads(tokenizer._backend.to_str())
    # The runtime adds this token to every tokenizer itself.
    described["added_tokens"] = [token for token in described["added_tokens"] if token["content"] != tokenizer.gap]
    (folder / "tokenizer.json").write_text(json.dumps(described))
    settings = {"chat_template": TEMPLATE, "eos_token": "<end>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


if __name__ == "__main__":
    make_model(Path(sys.argv[1]))
