"""Whether a converted model still is the model: one real inference of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from optimum.intel import OVModelForCausalLM, OVModelForFeatureExtraction
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from .agreement import hold_to
from .sentence_model import read_sentence_model

_TEXT = (
    "The tide turns twice a day. When the moon is full, the water rises higher than usual, and the fishermen of the "
    "village pull their boats up to the wall of the harbour. In winter they mend nets, and in the evening they tell "
    "their children how the old lighthouse was built, stone by stone, by the people who lived here before them."
)
_TEXTS = ("A cat sleeps on the warm stove.", "Shares fell after the bank raised its rate.", _TEXT)

LEAST_AGREEMENT = {"fp32": 0.999, "fp16": 0.99, "int8": 0.95, "int4": 0.8}
"""Measured on a model of 135 million parameters, which loses more by few bits than larger models."""

LEAST_COSINE = {"fp32": 0.9999, "fp16": 0.999, "int8": 0.98, "int4": 0.9}


def compare_logits(original: Path, converted: Path, weights: str) -> float:
    """The share of a text's positions at which the next token that the converted model finds most likely is among the
    five that the original finds most likely. Raises ConvertError below LEAST_AGREEMENT."""
    tokenizer = AutoTokenizer.from_pretrained(original, local_files_only=True)
    inputs = tokenizer(_TEXT, return_tensors="pt")
    expected = _logits(
        AutoModelForCausalLM.from_pretrained(original, dtype=torch.float32, local_files_only=True), inputs
    )
    found = _logits(
        OVModelForCausalLM.from_pretrained(converted, ov_config={"INFERENCE_PRECISION_HINT": "f32"}), inputs
    )
    likely = torch.topk(expected, 5, dim=-1).indices
    agreement = float((likely == found.argmax(-1, keepdim=True)).any(-1).float().mean())
    return hold_to(agreement, LEAST_AGREEMENT[weights], weights, "of the next tokens are among the original's five")


def compare_vectors(original: Path, converted: Path, weights: str) -> float:
    """The least cosine between both models' vectors, pooled and passed through dense layers as the model asks.

    Raises ConvertError below LEAST_COSINE.
    """
    tokenizer = AutoTokenizer.from_pretrained(original, local_files_only=True)
    before = AutoModel.from_pretrained(original, dtype=torch.float32, local_files_only=True)
    after = OVModelForFeatureExtraction.from_pretrained(converted, ov_config={"INFERENCE_PRECISION_HINT": "f32"})
    to_vector = read_sentence_model(original).to_vector
    cosines = []
    for text in _TEXTS:
        inputs = tokenizer(text, return_tensors="pt")
        one, other = to_vector(_hidden(before, inputs)), to_vector(_hidden(after, inputs))
        cosines.append(float(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))
    return hold_to(min(cosines), LEAST_COSINE[weights], weights, "is the least cosine to the original's vectors")


def _logits(model: Any, inputs: Any) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(**inputs).logits[0].float()
    return logits


def _hidden(model: Any, inputs: Any) -> Any:
    """`[tokens, elements]`"""
    with torch.inference_mode():
        return np.asarray(model(**inputs).last_hidden_state[0])
