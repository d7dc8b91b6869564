"""Scores of a small random Qwen3, compared with Transformers called pair by pair in the prompt of Qwen3-Reranker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reranker_scores import scores_of
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM, Qwen3ForSequenceClassification
from xim_embedding.rerank import RerankHandler
from xim_engine_ipex.embed import TorchEncoder
from xim_engine_ipex.language_reranker import TorchLanguageReranker
from xim_engine_ipex.rerank import TorchPairEncoder
from xim_worker import Context, InvalidInput, Plan, RerankInput, StartError

# The prompt as the model's card has it, written once more: https://huggingface.co/Qwen/Qwen3-Reranker-0.6B
PREFIX = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
    'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
)
SUFFIX = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
INSTRUCTION = "Given a web search query, retrieve relevant passages that answer the query"
MIDDLE = "<Instruct>: {instruction}\n<Query>: {query}\n<Document>: {document}"

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]
QUERY = "Where do boats rest?"
DOCUMENTS = [
    "The harbour shelters ships from the storm.",
    "Taxes",
    "yes",
    "Fishermen mend their nets in winter, and in the evening they tell of the lighthouse. " * 4,
    "Ein Hafen schützt Boote.\nBei Sturm.",
]
SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 37,
    "max_position_embeddings": 512,
    "initializer_range": 0.5,
    "pad_token_id": 0,
}


def write_tokenizer(folder: Path) -> Tokenizer:
    """A byte-level BPE that was trained on these texts, as the tokenizer of Qwen3 is made."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([PREFIX, MIDDLE, INSTRUCTION, QUERY, *DOCUMENTS, "yes no " * 9, "yes", "no"], trainer)
    tokenizer.add_tokens([word for word in ("yes", "no") if tokenizer.token_to_id(word) is None])
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def write(folder: Path, make: Any = Qwen3ForCausalLM, config: Any = Qwen3Config, **more: Any) -> tuple[Any, Tokenizer]:
    tokenizer = write_tokenizer(folder)
    torch.manual_seed(0)
    sizes = {**SMALL, "vocab_size": tokenizer.get_vocab_size(), **more}
    model = make(config(**sizes, **({"head_dim": 8} if config is Qwen3Config else {}))).eval()
    model.save_pretrained(folder)
    return model, tokenizer


def load(folder: Path, **options: Any) -> RerankHandler:
    handler = RerankHandler(TorchPairEncoder, TorchEncoder, TorchLanguageReranker)
    model = {"id": "m", "shape": {"contextLength": 512}}
    handler.load(Context(model, str(folder), options, Plan(2, 4, 0, 2048), 0, lambda step, fraction: None))
    return handler


def prompt_of(tokenizer: Tokenizer, query: str, document: str, instruction: str = INSTRUCTION) -> list[int]:
    middle = MIDDLE.format(instruction=instruction, query=query, document=document)
    return [each for text in (PREFIX, middle, SUFFIX) for each in tokenizer.encode(text).ids]


def expected_of(model: Any, tokenizer: Tokenizer, query: str, document: str) -> float:
    return score_of(model, tokenizer, prompt_of(tokenizer, query, document))


def score_of(model: Any, tokenizer: Tokenizer, tokens: list[int]) -> float:
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([tokens])).logits[0]
    if logits.ndim == 1:
        return float(logits[0])
    logits = logits[-1]
    return float(logits[tokenizer.token_to_id("yes")] - logits[tokenizer.token_to_id("no")])


def test_a_batch_has_the_scores_that_transformers_gives_each_prompt(tmp_path: Path) -> None:
    model, tokenizer = write(tmp_path)
    handler = load(tmp_path)
    expected = [expected_of(model, tokenizer, QUERY, document) for document in DOCUMENTS]
    assert np.ptp(expected) > 0.1
    assert scores_of(handler, {"queries": [QUERY], "documents": DOCUMENTS}) == pytest.approx(expected, abs=1e-3)
    queries = DOCUMENTS[::-1]
    each = [expected_of(model, tokenizer, *pair) for pair in zip(queries, DOCUMENTS, strict=True)]
    assert scores_of(handler, {"queries": queries, "documents": DOCUMENTS}) == pytest.approx(each, abs=1e-3)


def test_the_instruction_of_a_request_takes_the_place_of_the_default(tmp_path: Path) -> None:
    _, tokenizer = write(tmp_path)
    handler = load(tmp_path)
    request: RerankInput = {"queries": [QUERY], "documents": DOCUMENTS[:1], "instruction": "Find a harbour."}
    [item] = handler.prepare(request)
    assert item.data.tokens == prompt_of(tokenizer, QUERY, DOCUMENTS[0], "Find a harbour.")
    for instruction, param in (("", "instruction"), ("a" * 4_000_000, "queries.0")):
        request["instruction"] = instruction
        with pytest.raises(InvalidInput) as refusal:
            list(handler.prepare(request))
        assert refusal.value.param == param


def test_a_prompt_that_is_too_long_is_refused_or_cut_at_its_document(tmp_path: Path) -> None:
    _, tokenizer = write(tmp_path)
    handler = load(tmp_path)
    words = ["harbour"] * 400 + ["storm"] * 400
    request: RerankInput = {"queries": [QUERY], "documents": ["boats", " ".join(words)]}
    with pytest.raises(InvalidInput) as refusal:
        list(handler.prepare(request))
    assert (refusal.value.param, refusal.value.code) == ("documents.1", "XIM_CONTEXT_LENGTH_EXCEEDED")
    whole, empty = (prompt_of(tokenizer, QUERY, document) for document in (request["documents"][1], ""))
    after = len(tokenizer.encode(SUFFIX).ids)
    # A token of the head may be another one with the space and without it.
    head = len(empty) - after - 2
    start, end = (
        list(handler.prepare({**request, "truncate": {"tokens": 300, "keep": side}}))[1].data.tokens
        for side in ("start", "end")
    )
    assert (len(start), len(end)) == (300, 300)
    assert start == [*whole[: 300 - after], *whole[-after:]]
    assert (end[:head], end[head + 4 :]) == (whole[:head], whole[-(300 - head - 4) :])
    [_, cut] = handler.prepare({**request, "documentTokens": 2})
    [_, longer] = handler.prepare({**request, "documentTokens": 7})
    assert longer.size - cut.size == 5


def test_a_sequence_classification_made_of_it_gets_the_same_prompt(tmp_path: Path) -> None:
    model, tokenizer = write(tmp_path, Qwen3ForSequenceClassification, num_labels=1)
    with pytest.raises(StartError, match=r'Write "reranker_prompt" into config\.json'):
        load(tmp_path)
    expected = [expected_of(model, tokenizer, QUERY, document) for document in DOCUMENTS]
    assert np.ptp(expected) > 0.1
    request: RerankInput = {"queries": [QUERY], "documents": DOCUMENTS}
    assert scores_of(load(tmp_path, prompt="qwen3-reranker"), request) == pytest.approx(expected, abs=1e-3)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "reranker_prompt": "qwen3-reranker"}))
    assert scores_of(load(tmp_path), request) == pytest.approx(expected, abs=1e-3)
    with pytest.raises(StartError, match="the prompt 'jina'; known are qwen3-reranker, none"):
        load(tmp_path, prompt="jina")
    plain = [[*tokenizer.encode(QUERY).ids, *tokenizer.encode(document).ids] for document in DOCUMENTS]
    assert scores_of(load(tmp_path, prompt="none"), request) == pytest.approx(
        [score_of(model, tokenizer, tokens) for tokens in plain], abs=1e-3
    )


def test_a_classification_that_cannot_compute_two_pairs_fails_the_start(tmp_path: Path) -> None:
    write(tmp_path, Qwen3ForSequenceClassification, num_labels=1, pad_token_id=None)
    with pytest.raises(StartError, match="no padding token is defined"):
        load(tmp_path, prompt="qwen3-reranker")


def test_language_models_with_other_answers_are_refused(tmp_path: Path) -> None:
    _, tokenizer = write(tmp_path)
    (tmp_path / "1_LogitScore").mkdir()
    (tmp_path / "modules.json").write_text(json.dumps([{"type": "a.LogitScore", "path": "1_LogitScore"}]))
    answers = {"true_token_id": tokenizer.token_to_id("yes"), "false_token_id": tokenizer.token_to_id("no")}
    (tmp_path / "1_LogitScore/config.json").write_text(json.dumps(answers))
    load(tmp_path)
    (tmp_path / "1_LogitScore/config.json").write_text(json.dumps({"true_token_id": 7, "false_token_id": None}))
    with pytest.raises(StartError, match="answers by the tokens 7 and None"):
        load(tmp_path)


def test_another_language_model_is_a_reranker_only_by_the_option(tmp_path: Path) -> None:
    model, tokenizer = write(tmp_path, Qwen2ForCausalLM, Qwen2Config)
    with pytest.raises(StartError, match=r"a language model \(Qwen2ForCausalLM\) without a pooling"):
        load(tmp_path)
    request: RerankInput = {"queries": [QUERY], "documents": ["boats"]}
    expected = [expected_of(model, tokenizer, QUERY, "boats")]
    assert scores_of(load(tmp_path, scoring="yes-no"), request) == pytest.approx(expected, abs=1e-3)


def test_an_engine_without_language_models_names_the_command(tmp_path: Path) -> None:
    write(tmp_path)
    handler = RerankHandler(TorchPairEncoder, TorchEncoder)
    model = {"id": "m", "shape": {"contextLength": 512}}
    with pytest.raises(StartError, match=r"npx xim-models convert models\.json --task rerank"):
        handler.load(Context(model, str(tmp_path), {}, Plan(2, 4, 0, 2048), 0, lambda step, fraction: None))
