"""The kind of a reranker, and the sequence classification that is made of a small random language model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    BertConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3ForSequenceClassification,
)
from xim_convert.errors import ConvertError
from xim_convert.reranker import read_reranker, to_classifier

WORDS = ["<s>", "<pad>", "</s>", "<unk>", "yes", "no", "a", "sea"]


def write_tokenizer(folder: Path, words: list[str] = WORDS, separator: bool = False) -> None:
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if separator:
        ends = [("<s>", 0), ("</s>", 2)]
        tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> $B </s>", ends)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>").save_pretrained(folder)


def kind_of(folder: Path, config: Any, architecture: str, **more: Any) -> str:
    config(**{"architectures": [architecture], "num_labels": 1, "pad_token_id": 1, **more}).save_pretrained(folder)
    return read_reranker(folder, AutoConfig.from_pretrained(folder))


def test_the_kind_follows_from_the_files(tmp_path: Path) -> None:
    write_tokenizer(tmp_path, separator=True)
    assert kind_of(tmp_path, BertConfig, "BertForSequenceClassification") == "cross-encoder"
    assert kind_of(tmp_path, BertConfig, "BertModel") == "similarity"
    assert kind_of(tmp_path, Qwen3Config, "Qwen3ForCausalLM") == "yes-no"
    (tmp_path / "modules.json").write_text(json.dumps([{"type": "a.Pooling", "path": "1_Pooling"}]))
    assert kind_of(tmp_path, Qwen3Config, "Qwen3ForCausalLM") == "similarity"
    assert kind_of(tmp_path, Qwen2Config, "Qwen2ForCausalLM") == "similarity"


@pytest.mark.parametrize(
    ("config", "architecture", "more", "message"),
    [
        (BertConfig, "BertForSequenceClassification", {"num_labels": 3}, "3 labels; a reranker has one"),
        (Qwen2Config, "Qwen2ForCausalLM", {}, "a language model .Qwen2ForCausalLM. without a pooling"),
        (Qwen3Config, "Qwen3ForSequenceClassification", {"pad_token_id": None}, "no pad_token_id"),
        (Qwen3Config, "Qwen3ForSequenceClassification", {}, 'Write "reranker_prompt" into'),
    ],
)
def test_models_that_would_give_wrong_scores_are_refused(
    tmp_path: Path, config: Any, architecture: str, more: dict[str, Any], message: str
) -> None:
    write_tokenizer(tmp_path)
    with pytest.raises(ConvertError, match=message):
        kind_of(tmp_path, config, architecture, **more)


def test_a_classification_may_name_its_prompt(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    assert kind_of(tmp_path, Qwen3Config, "Qwen3ForSequenceClassification", reranker_prompt="none") == "cross-encoder"


@pytest.mark.parametrize("tied", [True, False])
def test_a_language_model_becomes_a_classification_with_its_scores(tmp_path: Path, tied: bool) -> None:
    write_tokenizer(tmp_path)
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 8}
    config = Qwen3Config(**sizes, vocab_size=len(WORDS), num_key_value_heads=2, intermediate_size=37, pad_token_id=None)
    config.tie_word_embeddings, config.initializer_range = tied, 0.5
    language = Qwen3ForCausalLM(config).eval()
    language.save_pretrained(tmp_path)
    to_classifier(tmp_path, tmp_path / "classifier")
    classifier, found = Qwen3ForSequenceClassification.from_pretrained(
        tmp_path / "classifier", output_loading_info=True, dtype=torch.float32
    )
    assert not found["missing_keys"]
    assert (classifier.config.num_labels, classifier.config.pad_token_id) == (1, 1)
    assert classifier.config.reranker_prompt == "qwen3-reranker"
    tokens = torch.tensor([[6, 7, 3, 6], [7, 7, 1, 1]])
    with torch.inference_mode():
        logits = language(tokens).logits
        last = logits[[0, 1], [3, 1]]
        expected = last[:, WORDS.index("yes")] - last[:, WORDS.index("no")]
        scores = classifier.eval()(tokens).logits[:, 0]
    assert scores.tolist() == pytest.approx(expected.tolist(), abs=1e-4)


def test_a_language_model_with_other_answers_is_refused(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    (tmp_path / "1_LogitScore").mkdir()
    (tmp_path / "modules.json").write_text(json.dumps([{"type": "a.LogitScore", "path": "1_LogitScore"}]))
    (tmp_path / "1_LogitScore/config.json").write_text(json.dumps({"true_token_id": 6, "false_token_id": None}))
    with pytest.raises(ConvertError, match="answers by the tokens 6 and None"):
        to_classifier(tmp_path, tmp_path / "classifier")
    write_tokenizer(tmp_path, words=[word for word in WORDS if word != "no"])
    with pytest.raises(ConvertError, match='no tokens "yes" and "no"'):
        to_classifier(tmp_path, tmp_path / "classifier")
