"""Vectors and scores of ModernBERT, NomicBERT and Gemma 3, compared with Transformers called directly, text by text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reranker_scores import scores_of
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    Gemma3TextConfig,
    Gemma3TextForSequenceClassification,
    Gemma3TextModel,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    ModernBertModel,
    NomicBertConfig,
    NomicBertModel,
)
from xim_embedding.handler import EmbedHandler
from xim_embedding.rerank import RerankHandler
from xim_engine_ipex.embed import TorchEncoder
from xim_engine_ipex.rerank import TorchPairEncoder
from xim_worker import Context, Plan, StartError

WORDS = ["[PAD]", "[UNK]", "a", "red", "house", "at", "the", "sea"]
LONG = "a house at the sea at the red sea " * 12
TEXTS = ["a red house", LONG, "the sea", LONG[18:]]
SIZES: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "intermediate_size": 40,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
    "initializer_range": 0.3,
}
# Windows of 16 tokens in three layers of four; LONG has 108 tokens.
MODERN = ModernBertConfig(
    **SIZES,
    local_attention=16,
    global_attn_every_n_layers=4,
    classifier_pooling="mean",
    num_labels=1,
    reranker_prompt="none",
    **dict.fromkeys(("pad_token_id", "bos_token_id", "cls_token_id", "eos_token_id", "sep_token_id"), 0),
)
# Not the defaults of Transformers for the sizes and the base, which it would take without a word.
NOMIC = NomicBertConfig(**SIZES, layer_norm_eps=1e-5, rope_parameters={"rope_type": "default", "rope_theta": 500.0})
# As EmbeddingGemma, which attends in both directions, and as a language model.
GEMMA: dict[str, Any] = {
    **SIZES,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "query_pre_attn_scalar": 8,
    "sliding_window": 16,
    "sliding_window_pattern": 4,
    "num_labels": 1,
    "reranker_prompt": "none",
    **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), 0),
}
PUBLISHED = {
    "model_type": "nomic_bert",
    "architectures": ["NomicBertModel"],
    "auto_map": {"AutoModel": "modeling_hf_nomic_bert.NomicBertModel"},
    "vocab_size": len(WORDS),
    "n_embd": 32,
    "n_inner": 40,
    "n_layer": 4,
    "n_head": 4,
    "layer_norm_epsilon": 1e-5,
    "rotary_emb_base": 500,
    "rotary_emb_fraction": 1.0,
    "n_positions": 8192,
    "max_trained_positions": 256,
    "activation_function": "swiglu",
    "qkv_proj_bias": False,
    "mlp_fc1_bias": False,
    "mlp_fc2_bias": False,
}


def write(folder: Path, make: Any, config: Any) -> Any:
    torch.manual_seed(0)
    model = make(config).eval()
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return model


def load(handler: Any, folder: Path) -> Any:
    model = {"id": "m", "shape": {"dimensions": 32, "contextLength": 256}}
    handler.load(Context(model, str(folder), {}, Plan(2, 4, 0, 512), 0, lambda step, fraction: None))
    return handler


def ids_of(*texts: str) -> torch.Tensor:
    return torch.tensor([[WORDS.index(word) for text in texts for word in text.split()]])


def expect_vectors(folder: Path, model: Any) -> None:
    handler = load(EmbedHandler(TorchEncoder), folder)
    items = list(handler.prepare({"items": [{"text": text} for text in TEXTS]}))
    for text, found in zip(TEXTS, handler.run(items), strict=True):
        with torch.inference_mode():
            mean = model(input_ids=ids_of(text)).last_hidden_state[0].mean(0).numpy()
        assert found @ mean / np.linalg.norm(found) / np.linalg.norm(mean) >= 0.99999


def expect_scores(folder: Path, model: Any) -> None:
    handler = load(RerankHandler(TorchPairEncoder, TorchEncoder), folder)
    with torch.inference_mode():
        expected = [float(model(input_ids=ids_of("the red sea", text)).logits[0, 0]) for text in TEXTS]
    assert np.ptp(expected) > 0.1
    found = scores_of(handler, {"queries": ["the red sea"], "documents": TEXTS})
    assert found == pytest.approx(expected, abs=1e-4)


def test_vectors_of_modern_bert(tmp_path: Path) -> None:
    expect_vectors(tmp_path, write(tmp_path, ModernBertModel, MODERN))


def test_scores_of_a_reranker_of_modern_bert(tmp_path: Path) -> None:
    expect_scores(tmp_path, write(tmp_path, ModernBertForSequenceClassification, MODERN))


@pytest.mark.parametrize("both", [True, False])
def test_vectors_and_scores_of_gemma(tmp_path: Path, both: bool) -> None:
    config = Gemma3TextConfig(**GEMMA, use_bidirectional_attention=both)
    expect_vectors(tmp_path, write(tmp_path, Gemma3TextModel, config))
    expect_scores(tmp_path, write(tmp_path, Gemma3TextForSequenceClassification, config))


def test_vectors_of_nomic_bert_as_it_is_published_and_as_transformers_saves_it(tmp_path: Path) -> None:
    model = write(tmp_path, NomicBertModel, NOMIC)
    expect_vectors(tmp_path, model)
    (tmp_path / "config.json").write_text(json.dumps(PUBLISHED))
    expect_vectors(tmp_path, model)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"moe_every_n_layers": 2}, "a NomicBERT with moe_every_n_layers = 2, and only models with 0"),
        ({"activation_function": "gelu"}, 'activation_function = "gelu"'),
        ({"rotary_emb_base": None}, "lacks a size of NomicBERT, or the base"),
    ],
)
def test_relatives_of_nomic_bert_are_refused(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    write(tmp_path, NomicBertModel, NOMIC)
    (tmp_path / "config.json").write_text(json.dumps({**PUBLISHED, **settings}))
    with pytest.raises(StartError, match=message) as caught:
        load(EmbedHandler(TorchEncoder), tmp_path)
    assert caught.value.permanent
