"""Reranking by an encoder whose hidden states are the token ids, compared with the vectors of the task `embed`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from token_encoder import TokenEncoder, context_of
from xim_embedding.encoder import PairEncoder
from xim_embedding.handler import EmbedHandler
from xim_embedding.rerank import RerankHandler, read_scoring
from xim_worker import Context, InvalidInput, RerankInput, StartError


def never(context: Context) -> PairEncoder:
    raise AssertionError("no pairs are encoded")


def loaded(folder: Path, **options: Any) -> tuple[RerankHandler, TokenEncoder]:
    encoder = TokenEncoder()
    handler = RerankHandler(never, lambda context: encoder)
    info = handler.load(context_of(folder, {"scoring": "similarity", **options}))
    assert (info.dimensions, info.context_length, handler.parallel) == (None, 16, 3)
    encoder.shapes.clear()
    return handler, encoder


def scores_of(handler: RerankHandler, request: RerankInput) -> tuple[list[float], int]:
    items = list(handler.prepare(request))
    result = handler.finish(request, items, handler.run(items))
    assert result["kind"] == "cosine"
    return np.frombuffer(result["scores"], "<f4").tolist(), result["inputTokens"]


def cosine(folder: Path, query: str, document: str) -> float:
    """The cosine by the task `embed`; the query has its prompt, and the document that of documents."""
    handler = EmbedHandler(lambda context: TokenEncoder())
    handler.load(context_of(folder))
    vectors = []
    for text, prompt in ((query, "query"), (document, "document")):
        vectors += handler.run(list(handler.prepare({"items": [{"text": text}], "prompt": prompt})))
    return float(vectors[0] @ vectors[1])


def test_scores_are_the_cosines_of_the_vectors_with_their_prompts(tmp_path: Path) -> None:
    handler, encoder = loaded(tmp_path)
    documents = ["a", "b a b a b", "a a a a a a a", "b"]
    scores, tokens = scores_of(handler, {"queries": ["b"], "documents": documents})
    assert scores == pytest.approx([cosine(tmp_path, "b", document) for document in documents], abs=1e-6)
    assert np.ptp(scores) > 0.05
    # The query and its prompt are two tokens.
    assert (tokens, encoder.shapes) == (2 + 14, [(5, 8)])


def test_a_query_that_stands_several_times_is_encoded_once(tmp_path: Path) -> None:
    handler, encoder = loaded(tmp_path)
    request: RerankInput = {"queries": ["a", "b b b", "a", "a"], "documents": ["b", "a", "b", "a b a b"]}
    scores, tokens = scores_of(handler, request)
    pairs = zip(request["queries"], request["documents"], strict=True)
    assert scores == pytest.approx([cosine(tmp_path, *pair) for pair in pairs], abs=1e-6)
    assert scores[0] == scores[2]
    assert (tokens, encoder.shapes) == (2 + 4 + 7, [(6, 8)])


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"documentTokens": 3}, "a b b"),
        ({"truncate": {}}, "a b b" + " a" * 13),
        ({"truncate": {"tokens": 2}}, "a b"),
        ({"truncate": {"tokens": 2, "keep": "end"}}, "a b"),
        ({"documentTokens": 3, "truncate": {"tokens": 2, "keep": "end"}}, "b b"),
    ],
)
def test_a_document_is_cut_and_a_query_is_not(tmp_path: Path, fields: Any, left: str) -> None:
    handler, _ = loaded(tmp_path)
    request: RerankInput = {"queries": ["a b b b b"], "documents": ["a b b" + " a" * 20 + " b"]}
    assert scores_of(handler, {**request, **fields})[0] == pytest.approx(
        [cosine(tmp_path, "a b b b b", left)], abs=1e-6
    )


def test_the_prompt_of_a_document_is_not_among_its_tokens(tmp_path: Path) -> None:
    context = context_of(tmp_path, {"scoring": "similarity"})
    (tmp_path / "config_sentence_transformers.json").write_text('{"prompts": {"passage": "q q "}}', "utf8")
    handler = RerankHandler(never, lambda context: TokenEncoder())
    handler.load(context)
    request: RerankInput = {"queries": ["a"], "documents": ["a b a b"], "documentTokens": 2}
    assert [item.data for item in handler.prepare(request)] == [[2], [4, 4, 2, 3]]
    with pytest.raises(InvalidInput) as refusal:
        list(handler.prepare({**request, "truncate": {"keep": "end"}}))
    assert refusal.value.param == "truncate.keep"


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"queries": ["a"], "documents": []}, "documents"),
        ({"queries": ["a", "b"], "documents": ["a", "b", "a"]}, "queries"),
        ({"queries": ["a"], "documents": ["a", ""]}, "documents.1"),
        ({"queries": ["a"], "documents": ["a"], "documentTokens": 0}, "documentTokens"),
        ({"queries": ["a"], "documents": ["a"], "instruction": "b"}, "instruction"),
        ({"queries": ["a"], "documents": ["a"], "truncate": {"tokens": 0}}, "truncate.tokens"),
        ({"queries": ["a"], "documents": ["b", "a " * 17]}, "documents.1"),
        ({"queries": ["a", "a", "a " * 17], "documents": ["a", "b", "b"], "truncate": {}}, "queries.2"),
    ],
)
def test_what_is_refused(tmp_path: Path, request_: RerankInput, param: str) -> None:
    handler, _ = loaded(tmp_path)
    with pytest.raises(InvalidInput) as refusal:
        list(handler.prepare(request_))
    assert refusal.value.param == param


@pytest.mark.parametrize(
    ("config", "scoring"),
    [
        (None, "cross-encoder"),
        ("{}", "cross-encoder"),
        ('{"architectures": ["XLMRobertaForSequenceClassification"]}', "cross-encoder"),
        ('{"architectures": ["BertModel"]}', "similarity"),
        ('{"architectures": ["Qwen3ForCausalLM"]}', "yes-no"),
    ],
)
def test_the_scoring_follows_from_the_architecture(tmp_path: Path, config: str | None, scoring: str) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config, "utf8")
    assert read_scoring(tmp_path, {}) == scoring


def test_a_language_model_with_a_pooling_is_a_model_for_embeddings(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["GemmaForCausalLM"]}', "utf8")
    with pytest.raises(StartError, match=r"a language model \(GemmaForCausalLM\) without a pooling"):
        read_scoring(tmp_path, {})
    assert read_scoring(tmp_path, {"pooling": "lasttoken"}) == "similarity"
    (tmp_path / "modules.json").write_text('[{"type": "a.Pooling", "path": "1_Pooling"}]', "utf8")
    assert read_scoring(tmp_path, {}) == "similarity"


@pytest.mark.parametrize("config", ["[]", "{", '{"architectures": 1}'])
def test_a_config_that_cannot_be_read_fails_the_start(tmp_path: Path, config: str) -> None:
    (tmp_path / "config.json").write_text(config, "utf8")
    with pytest.raises(StartError, match=r"config\.json"):
        read_scoring(tmp_path, {})


def test_an_unknown_scoring_fails_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="known are cross-encoder, yes-no, similarity"):
        loaded(tmp_path, scoring="dot")
