"""Scores of small random models, compared with Transformers called pair by pair or text by text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reranker_scores import scores_of
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    Qwen3Config,
    Qwen3ForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)
from xim_embedding.rerank import RerankHandler
from xim_engine_ipex.embed import TorchEncoder
from xim_engine_ipex.rerank import TorchPairEncoder
from xim_worker import Context, InvalidInput, Plan, RerankInput, StartError

WORDS = ["<s>", "<pad>", "</s>", "<unk>", "a", "red", "house", "at", "the", "sea"]
SMALL: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 37,
    "max_position_embeddings": 34,
    "initializer_range": 0.5,
    "num_labels": 1,
    "pad_token_id": 1,
}
DOCUMENTS = ["a red house", "the sea", "red", "a house at the sea at the sea at the red sea", "unknown words"]

KINDS: dict[str, tuple[Any, Any, bool]] = {
    "bert": (BertForSequenceClassification, BertConfig(**SMALL), True),
    "xlm-roberta": (XLMRobertaForSequenceClassification, XLMRobertaConfig(**SMALL, type_vocab_size=1), False),
    "qwen3": (
        Qwen3ForSequenceClassification,
        Qwen3Config(**SMALL, num_key_value_heads=2, head_dim=8, use_cache=False),
        False,
    ),
}


def write(folder: Path, kind: str) -> Any:
    make, config, has_segments = KINDS[kind]
    torch.manual_seed(0)
    model = make(config).eval()
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    second = ":1" if has_segments else ""
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair=f"<s> $A </s> $B{second} </s>{second}",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return model


def load(folder: Path, **options: Any) -> RerankHandler:
    handler = RerankHandler(TorchPairEncoder, TorchEncoder)
    model = {"id": "m", "shape": {"contextLength": 32}}
    handler.load(Context(model, str(folder), options, Plan(2, 4, 0, 256), 0, lambda step, fraction: None))
    return handler


def expected_of(folder: Path, model: Any, query: str, document: str, has_segments: bool) -> float:
    encoded = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(query, document)
    segments = {"token_type_ids": torch.tensor([encoded.type_ids])} if has_segments else {}
    with torch.inference_mode():
        return float(model(input_ids=torch.tensor([encoded.ids]), **segments).logits[0, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_has_the_scores_that_transformers_gives_each_pair(tmp_path: Path, kind: str) -> None:
    model = write(tmp_path, kind)
    handler = load(tmp_path)
    found = scores_of(handler, {"queries": ["the red sea"], "documents": DOCUMENTS})
    has_segments = KINDS[kind][2]
    expected = [expected_of(tmp_path, model, "the red sea", document, has_segments) for document in DOCUMENTS]
    assert np.ptp(expected) > 0.01
    assert found == pytest.approx(expected, abs=1e-4)
    queries = DOCUMENTS[::-1]
    each = [expected_of(tmp_path, model, *pair, has_segments) for pair in zip(queries, DOCUMENTS, strict=True)]
    assert scores_of(handler, {"queries": queries, "documents": DOCUMENTS}) == pytest.approx(each, abs=1e-4)


def test_a_pair_that_is_too_long_is_refused_or_cut_at_its_document(tmp_path: Path) -> None:
    write(tmp_path, "bert")
    handler = load(tmp_path)
    long = "sea " * 26 + "a red house"
    request: RerankInput = {"queries": ["the sea"], "documents": ["red", long]}
    with pytest.raises(InvalidInput) as refusal:
        list(handler.prepare(request))
    assert (refusal.value.param, refusal.value.code) == ("documents.1", "XIM_CONTEXT_LENGTH_EXCEEDED")
    words = long.split()
    cuts: list[tuple[Any, list[str]]] = [
        ({"truncate": {}}, words[:27]),
        ({"truncate": {"keep": "end"}}, words[-27:]),
        ({"truncate": {"tokens": 10}}, words[:5]),
        ({"documentTokens": 3}, words[:3]),
        ({"documentTokens": 28, "truncate": {"tokens": 10, "keep": "end"}}, words[23:28]),
    ]
    for fields, left in cuts:
        assert scores_of(handler, {**request, **fields}) == scores_of(
            handler, {"queries": ["the sea"], "documents": ["red", " ".join(left)]}
        ), fields


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"queries": ["a"], "documents": []}, "documents"),
        ({"queries": [], "documents": ["a"]}, "queries"),
        ({"queries": ["a", "b"], "documents": ["a", "b", "c"]}, "queries"),
        ({"queries": ["a", ""], "documents": ["a", "b"]}, "queries.1"),
        ({"queries": ["a"], "documents": ["a", ""]}, "documents.1"),
        ({"queries": ["a"], "documents": ["a"], "documentTokens": 0}, "documentTokens"),
        ({"queries": ["a"], "documents": ["a"], "truncate": {"tokens": -1}}, "truncate.tokens"),
        ({"queries": ["sea " * 30], "documents": ["a"], "truncate": {}}, "documents.0"),
        ({"queries": ["a"], "documents": ["a" * 40_000]}, "documents.0"),
        ({"queries": ["a" * 40_000], "documents": ["a"], "truncate": {}}, "queries.0"),
        ({"queries": ["a"], "documents": ["a"], "instruction": "b"}, "instruction"),
    ],
)
def test_what_is_refused(tmp_path: Path, request_: RerankInput, param: str) -> None:
    write(tmp_path, "bert")
    with pytest.raises(InvalidInput) as refusal:
        list(load(tmp_path).prepare(request_))
    assert refusal.value.param == param


def test_a_model_for_embeddings_scores_by_the_cosine_of_its_vectors(tmp_path: Path) -> None:
    write(tmp_path, "bert")
    torch.manual_seed(0)
    model = BertModel(BertConfig(**SMALL)).eval()
    model.save_pretrained(tmp_path)
    handler = load(tmp_path)
    request: RerankInput = {"queries": ["the red sea"], "documents": DOCUMENTS}
    items = list(handler.prepare(request))
    result = handler.finish(request, items, handler.run(items))
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    vectors = []
    for text in ["the red sea", *DOCUMENTS]:
        with torch.inference_mode():
            hidden = model(input_ids=torch.tensor([tokenizer.encode(text).ids])).last_hidden_state
        vectors.append(hidden[0].mean(0))
    expected = [float(torch.cosine_similarity(vectors[0], vector, dim=0)) for vector in vectors[1:]]
    assert np.ptp(expected) > 0.01
    assert result["kind"] == "cosine"
    assert np.frombuffer(result["scores"], "<f4").tolist() == pytest.approx(expected, abs=1e-5)


def test_a_model_that_is_no_reranker_fails_the_start(tmp_path: Path) -> None:
    write(tmp_path, "bert")
    BertForSequenceClassification(BertConfig(**{**SMALL, "num_labels": 3})).save_pretrained(tmp_path)
    with pytest.raises(StartError, match=r"gives \[2, 3\] numbers for 2 pairs"):
        load(tmp_path)
    BertModel(BertConfig(**SMALL)).save_pretrained(tmp_path)
    with pytest.raises(StartError, match="lacks the tensors"):
        load(tmp_path, scoring="cross-encoder")
