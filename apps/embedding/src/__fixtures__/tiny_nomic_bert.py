"""usage: python tiny_nomic_bert.py FOLDER TEXT…

Writes a small random NomicBERT as such models are published, and prints the vectors of the texts by Transformers, means
over the tokens, as JSON: `[[number, …], …]`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import NomicBertConfig, NomicBertModel, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

# The names of the published class, which Transformers does not read; nor does it run the class.
PUBLISHED = {
    "model_type": "nomic_bert",
    "architectures": ["NomicBertModel"],
    "auto_map": {"AutoConfig": "configuration.NomicBertConfig", "AutoModel": "modeling.NomicBertModel"},
    "n_embd": 32,
    "n_inner": 48,
    "n_layer": 2,
    "n_head": 2,
    "n_positions": 8192,
    "max_trained_positions": 2048,
    "layer_norm_epsilon": 1e-5,
    "rotary_emb_base": 500,
    "rotary_emb_fraction": 1.0,
    "rotary_scaling_factor": 2,
    "activation_function": "swiglu",
    "type_vocab_size": 2,
    **dict.fromkeys(("qkv_proj_bias", "mlp_fc1_bias", "mlp_fc2_bias", "prenorm", "rotary_emb_interleaved"), False),
}


def main(folder: Path, texts: list[str]) -> None:
    disable_progress_bar()
    letters = ["[PAD]", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]").save_pretrained(folder)
    torch.manual_seed(0)
    config = NomicBertConfig(
        vocab_size=len(letters),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        layer_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 500.0},
        initializer_range=0.3,
    )
    model = NomicBertModel(config).eval()
    model.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({**PUBLISHED, "vocab_size": len(letters)}))
    with torch.inference_mode():
        hidden = [model(input_ids=torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0] for text in texts]
    print(json.dumps([each.mean(0).tolist() for each in hidden]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
