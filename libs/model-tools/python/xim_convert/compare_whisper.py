"""Whether a converted Whisper still is the model: the encoder and the decoder of both, on one synthetic sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

from .agreement import hold_to
from .errors import ConvertError

LEAST_COSINE = {"fp32": 0.9999, "fp16": 0.999, "int8": 0.95}
"""Of the mean over the frames of the encoder's output."""

LEAST_AGREEMENT = {"fp32": 0.999, "fp16": 0.99, "int8": 0.8}
"""Of the next tokens. A random model of 32 dimensions, which is less decided than a trained one, has 0.88 with int8."""

_RATE = 16_000
_SECONDS = 8
_TOKENS = 48
_TEXT = (
    " The tide turns twice a day. When the moon is full, the water rises higher than usual, and the fishermen of the "
    "village pull their boats up to the wall of the harbour. In winter they mend nets, and in the evening they sing."
)


def compare_whisper(original: Path, converted: Path, weights: str, compute: str) -> float:
    """The share of a text's positions at which the next token of the converted model, by greedy decoding, is among the
    five that the original finds most likely. Raises ConvertError below LEAST_AGREEMENT and LEAST_COSINE.

    Both models read the same mel spectrogram; `compute` is the dtype in which CTranslate2 computes.
    """
    before = WhisperForConditionalGeneration.from_pretrained(original, dtype=torch.float32, local_files_only=True)
    after = ctranslate2.models.Whisper(str(converted), device="cpu", compute_type=compute)
    languages = getattr(before.generation_config, "lang_to_id", None)
    if after.is_multilingual != bool(languages):
        raise ConvertError(
            f"the vocabulary is {'' if after.is_multilingual else 'not '}multilingual for CTranslate2, and "
            f"generation_config.json has {len(languages or ())} languages"
        )
    extractor = WhisperFeatureExtractor.from_pretrained(converted, local_files_only=True)
    features = extractor(_sound(), sampling_rate=_RATE, return_tensors="np").input_features.astype(np.float32)
    tokenizer = Tokenizer.from_file(str(converted / "tokenizer.json"))
    start = _start(tokenizer, after.is_multilingual)
    tokens = start + tokenizer.encode(_TEXT, add_special_tokens=False).ids[:_TOKENS]

    encoded = after.encode(ctranslate2.StorageView.from_array(features))
    with torch.inference_mode():
        hidden = before.model.encoder(torch.from_numpy(features)).last_hidden_state
        logits = before(encoder_outputs=(hidden,), decoder_input_ids=torch.tensor([tokens])).logits[0]
    hold_to(_cosine(hidden[0].numpy(), _array(encoded)[0]), LEAST_COSINE[weights], weights, "is the cosine of frames")
    likely = torch.topk(logits[len(start) - 1 :], 5, dim=-1).indices.numpy()
    found = _next_tokens(after, encoded, tokens, len(tokens) - len(start) + 1)
    agreed = [token in among for token, among in zip(found, likely, strict=True)]
    return hold_to(
        float(np.mean(agreed)), LEAST_AGREEMENT[weights], weights, "of the next tokens are among the original's five"
    )


def _sound() -> Any:
    """Syllables of three harmonics of a falling tone in quiet noise, float32 `[samples]`."""
    time = np.arange(_SECONDS * _RATE) / _RATE
    tone = sum(np.sin(2 * np.pi * harmonic * (160 * time - 4 * time**2)) / harmonic for harmonic in (1, 2, 5))
    noise = np.random.default_rng(0).normal(0, 0.01, len(time))
    return (0.2 * tone * np.clip(np.sin(2 * np.pi * 3 * time), 0, 1) + noise).astype(np.float32)


def _start(tokenizer: Tokenizer, multilingual: bool) -> list[int]:
    """The prompt of a transcript in English without timestamps."""
    names = ["startoftranscript", *(["en", "transcribe"] if multilingual else []), "notimestamps"]
    return [tokenizer.token_to_id(f"<|{name}|>") for name in names]


def _next_tokens(model: Any, encoded: Any, prompt: list[int], count: int) -> list[int]:
    """The most likely token, of all tokens, after each of the last `count` tokens of the prompt.

    CTranslate2 takes what follows the start of a transcript as the text's beginning, and reports its logits too. Its
    `max_length` is twice the number of new tokens.
    """
    (result,) = model.generate(
        encoded,
        [prompt],
        beam_size=1,
        max_length=2 * count,
        suppress_blank=False,
        suppress_tokens=[],
        return_logits_vocab=True,
    )
    return [int(np.argmax(_array(row))) for row in result.logits[0][:count]]


def _array(view: Any) -> Any:
    """float32, in the shape of the view."""
    return np.array(view.to(ctranslate2.DataType.float32))


def _cosine(one: Any, other: Any) -> float:
    """The mean cosine of the rows of two arrays."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(np.mean(np.sum(one * other, axis=1) / lengths))
