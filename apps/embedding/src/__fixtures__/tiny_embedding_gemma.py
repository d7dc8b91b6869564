"""usage: python tiny_embedding_gemma.py FOLDER TEXT…

Writes a small random model as EmbeddingGemma is published: Gemma 3 that attends in both directions, a mean, two dense
layers. Prints the vectors of the texts by Transformers as JSON: `[[number, …], …]`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import Gemma3TextConfig, Gemma3TextModel, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

MODULES = {
    "": "Transformer",
    "1_Pooling": "Pooling",
    "2_Dense": "Dense",
    "3_Dense": "Dense",
    "4_Normalize": "Normalize",
}


def main(folder: Path, texts: list[str]) -> None:
    disable_progress_bar()
    letters = ["<pad>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>").save_pretrained(folder)
    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=len(letters),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        query_pre_attn_scalar=16,
        sliding_window=64,
        layer_types=["sliding_attention", "full_attention"],
        max_position_embeddings=2048,
        use_bidirectional_attention=True,
        initializer_range=0.3,
    )
    model = Gemma3TextModel(config).eval()
    model.save_pretrained(folder)
    modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in MODULES.items()]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    layers = [write_dense(folder / "2_Dense", 32, 64), write_dense(folder / "3_Dense", 64, 24)]
    with torch.inference_mode():
        hidden = [model(input_ids=torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0] for text in texts]
    print(json.dumps([(layers[1] @ layers[0] @ each.mean(0)).tolist() for each in hidden]))


def write_dense(folder: Path, width: int, out: int) -> torch.Tensor:
    folder.mkdir()
    weight = torch.randn(out, width)
    config = {"in_features": width, "out_features": out, "bias": False, "activation_function": "torch.nn.Identity"}
    (folder / "config.json").write_text(json.dumps(config))
    save_file({"linear.weight": weight}, folder / "model.safetensors")
    return weight


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
