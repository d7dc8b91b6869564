"""Vectors of a small random BERT, compared with Transformers called directly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel
from xim_embedding.handler import EmbedHandler
from xim_engine_ipex.embed import TorchEncoder
from xim_worker import Context, Plan, StartError

WORDS = ["[PAD]", "[UNK]", "a", "red", "house", "at", "the", "sea"]
TEXTS = ["a red house", "the sea", "a house at the sea at the sea at the red sea", "red"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=37
    )
    BertModel(config).eval().save_pretrained(tmp_path)
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def load(folder: Path) -> EmbedHandler:
    handler = EmbedHandler(TorchEncoder)
    model = {"id": "m", "shape": {"dimensions": 32, "contextLength": 64}}
    handler.load(Context(model, str(folder), {}, Plan(2, 4, 0, 256), 0, lambda step, fraction: None))
    return handler


def vectors_of(handler: EmbedHandler, texts: list[str]) -> np.ndarray:
    items = list(handler.prepare({"items": [{"text": text} for text in texts]}))
    return np.stack(handler.run(items))


def test_vectors_are_the_means_of_the_hidden_states_of_transformers(folder: Path) -> None:
    handler = load(folder)
    expected = []
    model = BertModel.from_pretrained(folder).eval()
    for text in TEXTS:
        ids = torch.tensor([[WORDS.index(word) for word in text.split()]])
        with torch.inference_mode():
            mean = model(input_ids=ids).last_hidden_state[0].mean(0).numpy()
        expected.append(mean / np.linalg.norm(mean))
    found = vectors_of(handler, TEXTS)
    cosines = (found / np.linalg.norm(found, axis=1, keepdims=True) * np.stack(expected)).sum(1)
    assert cosines.min() >= 0.99999


@pytest.mark.parametrize("kind", ["T5", "MT5"])
def test_of_t5_the_encoder_is_read(folder: Path, kind: str) -> None:
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 37, "num_layers": 2, "num_heads": 4}
    config = getattr(transformers, f"{kind}Config")(**sizes, vocab_size=len(WORDS), pad_token_id=0)
    model = getattr(transformers, f"{kind}Model")(config).eval()
    model.save_pretrained(folder)
    for text, found in zip(TEXTS, vectors_of(load(folder), TEXTS), strict=True):
        ids = torch.tensor([[WORDS.index(word) for word in text.split()]])
        with torch.inference_mode():
            mean = model.encoder(input_ids=ids).last_hidden_state[0].mean(0).numpy()
        assert found @ mean / np.linalg.norm(found) / np.linalg.norm(mean) >= 0.99999


def test_a_batch_in_another_order_gives_the_same_vectors(folder: Path) -> None:
    handler = load(folder)
    forward, backward = vectors_of(handler, TEXTS), vectors_of(handler, TEXTS[::-1])[::-1]
    np.testing.assert_allclose(forward, backward, atol=1e-5)


def test_a_missing_tensor_is_an_error_and_the_pooler_may_be_missing(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = {name: tensor for name, tensor in load_file(path).items() if not name.startswith("pooler")}
    save_file(tensors, path, {"format": "pt"})
    load(folder)
    tensors.pop("embeddings.word_embeddings.weight")
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(StartError, match="lacks the tensors"):
        load(folder)


def test_a_pickle_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(StartError, match=r"no \.safetensors"):
        load(folder)


@pytest.mark.parametrize("method", ["awq", "gptq", "fp8", "bitsandbytes", "compressed-tensors"])
def test_quantised_weights_are_refused_by_name(folder: Path, method: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": method, "bits": 4, "group_size": 32}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(StartError, match=f"quantised by {method}, which this engine does not read") as caught:
        load(folder)
    assert caught.value.permanent


def test_an_adapter_beside_the_weights_is_refused(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    with pytest.raises(StartError, match="merge it into its model") as caught:
        load(folder)
    assert caught.value.permanent
