"""A CTC model of characters (Baevski et al., "wav2vec 2.0", 2020), compiled by OpenVINO, for the times of words."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from xim_transcription.models import Floats
from xim_worker import Companion, StartError

from .weights import find_weights

# Samples that one frame of wav2vec 2.0 sees (25 ms).
_LEAST_SAMPLES = 400
_SPECIAL = 2
"""Tokens with as many characters or more are special, such as `<s>`."""


class CTCModel:
    """A CharacterModel. The folder holds one `.onnx` file or an OpenVINO IR, and Transformers' `vocab.json`.

    The model maps sound `[1, samples]` to logits `[1, frames, characters]`. Options of the companion's profile:
    `languages`, the codes of the languages that the model knows (default `["en"]`). Raises StartError.
    """

    least_samples = _LEAST_SAMPLES

    def __init__(self, companion: Companion, threads: int) -> None:
        folder = Path(companion.model_path)
        self.languages: Sequence[str] = [str(language) for language in companion.options.get("languages", ["en"])]
        vocabulary = _read(folder / "vocab.json")
        if not vocabulary:
            raise StartError(
                f"{folder} has no vocab.json with the characters of the model for the times of words", permanent=True
            )
        config, tokenizer = _read(folder / "config.json"), _read(folder / "tokenizer_config.json")
        self._normalises = bool(_read(folder / "preprocessor_config.json").get("do_normalize", True))
        blank = tokenizer.get("pad_token", "<pad>")
        self.blank = int(vocabulary[blank] if blank in vocabulary else config.get("pad_token_id", 0))
        self.separator: int | None = vocabulary.get(tokenizer.get("word_delimiter_token", "|"))
        self.characters: Mapping[str, int] = {
            token: number
            for token, number in vocabulary.items()
            if len(token) < _SPECIAL and number not in (self.blank, self.separator)
        }
        path = find_weights(companion, ".onnx", ".xml")
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        try:
            self._request = ov.Core().compile_model(str(path), "CPU", settings).create_infer_request()
        except RuntimeError as error:
            raise StartError(f"{path.name} cannot be compiled: {error}", permanent=True) from error
        self._lock = threading.Lock()
        self._check(path, max(vocabulary.values()) + 1)

    def emit(self, samples: Floats) -> Floats:
        if self._normalises:
            # As Transformers' Wav2Vec2FeatureExtractor does it.
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
        with self._lock:
            logits: Floats = self._request.infer([samples[None].astype(np.float32)])[0][0].copy()
        logits -= logits.max(axis=1, keepdims=True)
        scores: Floats = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return scores

    def _check(self, path: Path, characters: int) -> None:
        """Runs a second of silence, so that another kind of model is refused at the start."""
        try:
            shape = self.emit(np.zeros(16_000, np.float32)).shape
        except (RuntimeError, ValueError, IndexError) as error:
            raise StartError(f"{path.name} does not take sound [1, samples]: {error}", permanent=True) from error
        if len(shape) != 2 or shape[1] < characters:
            raise StartError(
                f"{path.name} gives {list(shape)} for a second of sound; expected [frames, {characters}], the "
                "characters of vocab.json",
                permanent=True,
            )


def _read(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text("utf8")) if path.is_file() else {}
    return read
