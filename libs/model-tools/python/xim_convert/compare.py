"""Whether a converted model still is the model: one real inference of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from optimum.intel import OVModelForCausalLM
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from .agreement import hold_to
from .converted_encoder import run_encoder
from .errors import ConvertError
from .facts import longest_text
from .reranker import read_answers
from .sentence_model import read_json, read_sentence_model

_TEXT = (
    "The tide turns twice a day. When the moon is full, the water rises higher than usual, and the fishermen of the "
    "village pull their boats up to the wall of the harbour. In winter they mend nets, and in the evening they tell "
    "their children how the old lighthouse was built, stone by stone, by the people who lived here before them."
)
# Longer than the windows of models that attend to near tokens in most layers: 128 tokens in ModernBERT, 512 in Gemma 3.
_LONG_TEXT = " ".join([_TEXT] * 8)
_TEXTS = ("A cat sleeps on the warm stove.", "Shares fell after the bank raised its rate.", _TEXT, _LONG_TEXT)

_PAIRS = (
    ("Where do boats rest?", _TEXT),
    ("Where do boats rest?", _TEXTS[1]),
    ("Where do boats rest?", _LONG_TEXT),
    ("Why did the shares fall?", _TEXTS[1]),
    ("Why did the shares fall?", _TEXTS[0]),
)

LEAST_AGREEMENT = {"fp32": 0.999, "fp16": 0.99, "int8": 0.95, "int4": 0.8}
"""Measured on a model of 135 million parameters, which loses more by few bits than larger models."""

LEAST_COSINE = {"fp32": 0.9999, "fp16": 0.999, "int8": 0.98, "int4": 0.9}

LEAST_SCORES = {"fp32": 0.999, "fp16": 0.99, "int8": 0.9, "int4": 0.7}
"""1 - d / (1 + s) for the greatest difference d of two scores and the greatest score s, both in log-odds."""

_MODEL = "openvino_model.xml"
# The arithmetic of the comparison, on every CPU.
_F32 = {"INFERENCE_PRECISION_HINT": "f32"}


def compare_logits(original: Path, converted: Path, weights: str) -> float:
    """The share of a text's positions at which the next token that the converted model finds most likely is among the
    five that the original finds most likely. Raises ConvertError below LEAST_AGREEMENT."""
    tokenizer = AutoTokenizer.from_pretrained(original, local_files_only=True)
    inputs = tokenizer(_TEXT, return_tensors="pt")
    expected = _logits(
        AutoModelForCausalLM.from_pretrained(original, dtype=torch.float32, local_files_only=True), inputs
    )
    found = _logits(OVModelForCausalLM.from_pretrained(converted, ov_config=_F32), inputs)
    likely = torch.topk(expected, 5, dim=-1).indices
    agreement = float((likely == found.argmax(-1, keepdim=True)).any(-1).float().mean())
    return hold_to(agreement, LEAST_AGREEMENT[weights], weights, "of the next tokens are among the original's five")


def compare_vectors(original: Path, converted: Path, weights: str) -> float:
    """The least cosine between both models' vectors, pooled and passed through dense layers as the model asks.

    Raises ConvertError below LEAST_COSINE, and if the original lacks tensors that the vectors depend on.
    """
    before, found = AutoModel.from_pretrained(
        original, dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    _expect_complete(name for name in found["missing_keys"] if not name.startswith("pooler."))
    read = _reader(original, before)
    texts = [read(text) for text in _TEXTS]
    to_vector = read_sentence_model(original).to_vector
    cosines = []
    for text, hidden in zip(texts, run_encoder(converted / _MODEL, texts), strict=True):
        one, other = to_vector(_hidden(before, text)), to_vector(hidden)
        cosines.append(float(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))
    return hold_to(min(cosines), LEAST_COSINE[weights], weights, "is the least cosine to the original's vectors")


def compare_scores(original: Path, converted: Path, weights: str) -> float:
    """The agreement of a cross-encoder's logits for pairs of a query and a document.

    Raises ConvertError below LEAST_SCORES, and if the original lacks tensors.
    """
    before, found = AutoModelForSequenceClassification.from_pretrained(
        original, dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    _expect_complete(found["missing_keys"])
    pairs = [_reader(original, before)(*pair) for pair in _PAIRS]
    return _hold_scores([float(_logits(before, pair)[0]) for pair in pairs], pairs, converted, weights)


def compare_answers(original: Path, converted: Path, weights: str) -> float:
    """The agreement of a language model's logit("yes") - logit("no") with the logit of the classification made of it.

    Both read the same tokens, so no prompt is needed. Raises ConvertError below LEAST_SCORES.
    """
    tokenizer = AutoTokenizer.from_pretrained(original, local_files_only=True)
    yes, no = read_answers(original, tokenizer)
    before = AutoModelForCausalLM.from_pretrained(original, dtype=torch.float32, local_files_only=True)
    pairs = [_reader(original, before)(*pair) for pair in _PAIRS]
    answers = [_logits(before, pair)[-1] for pair in pairs]
    return _hold_scores([float(each[yes] - each[no]) for each in answers], pairs, converted, weights)


def _reader(original: Path, model: Any) -> Callable[..., Any]:
    """The tokenizer; it cuts what is longer than the model reads."""
    tokenizer = AutoTokenizer.from_pretrained(original, local_files_only=True)
    most = longest_text(original, model.config)
    return lambda *texts: tokenizer(*texts, return_tensors="pt", truncation=True, max_length=most)


def _expect_complete(missing: Iterable[str]) -> None:
    names = sorted(missing)
    if names:
        raise ConvertError(f"the model lacks the tensors {', '.join(names[:5])}")


def _hold_scores(expected: list[float], pairs: list[Any], converted: Path, weights: str) -> float:
    # A classification made of a decoder finds the end of a text by this token.
    padding = read_json(converted / "config.json").get("pad_token_id") or 0
    found = np.array([float(logits[0]) for logits in run_encoder(converted / _MODEL, pairs, padding)])
    agreement = 1 - np.abs(found - expected).max() / (1 + np.abs(expected).max())
    return hold_to(float(agreement), LEAST_SCORES[weights], weights, "is the agreement with the original's scores")


def _logits(model: Any, inputs: Any) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(**inputs).logits[0].float()
    return logits


def _hidden(model: Any, inputs: Any) -> Any:
    """`[tokens, elements]`"""
    with torch.inference_mode():
        return np.asarray(model(**inputs).last_hidden_state[0])
