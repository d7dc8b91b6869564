"""From a Transformers folder of Whisper in safetensors to CTranslate2, with the tokenizer and the feature settings."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ctranslate2.converters import TransformersConverter
from tokenizers import Tokenizer

from .compare_whisper import compare_whisper
from .dequantize import dequantize
from .errors import ConvertError
from .sentence_model import read_json

QUANTISATION = {"fp32": "float32", "fp16": "float16", "int8": "int8"}
"""CTranslate2's name of the stored dtype, by weights."""

COMPUTE = {"fp32": "float32", "fp16": "float32", "int8": "int8"}
"""The dtype of the computation, by weights: CTranslate2 has no float16 on CPUs."""

_NEEDED = ("tokenizer.json", "generation_config.json")


def to_ctranslate2(weights: str, folder: Path, output: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Converts, then compares one real inference with the original. Raises ConvertError.

    The result: `shape` (empty, the memory follows from the files), `options` (of the profile) and `agreement`, see
    `compare_whisper`.
    """
    config = _read_config(folder)
    dequantize(folder, say)
    features = _read_features(folder, config)
    say(f"converting to CTranslate2 with {weights} weights")
    converter = TransformersConverter(str(folder), low_cpu_mem_usage=True)
    try:
        # The folder of the output exists, and is empty.
        converter.convert(str(output), quantization=QUANTISATION[weights], force=True)
    except (ValueError, AttributeError, KeyError, OSError) as error:
        raise ConvertError(f"CTranslate2 cannot convert this model: {str(error).splitlines()[0]}") from error
    shutil.copyfile(folder / "tokenizer.json", output / "tokenizer.json")
    (output / "preprocessor_config.json").write_text(json.dumps(features, indent=2) + "\n", "utf8")
    _check_vocabulary(output)
    say("comparing one inference with the original")
    agreement = compare_whisper(folder, output, weights, COMPUTE[weights])
    return {"shape": {}, "options": {"computeType": COMPUTE[weights]}, "agreement": agreement}


def _read_config(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = read_json(folder / "config.json")
    kind = config.get("model_type")
    if kind != "whisper":
        raise ConvertError(f"{folder.name} is a model of the type {kind}; for transcribe expected whisper")
    for name in _NEEDED:
        if not (folder / name).is_file():
            raise ConvertError(f"{folder.name} has no {name}; expected a Whisper folder as Transformers saves it")
    if not any(folder.glob("*.safetensors")):
        raise ConvertError(f"{folder.name} has no weights; expected model.safetensors")
    return config


def _read_features(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """The settings of the mel spectrogram. Transformers 5 saves them inside processor_config.json."""
    features: dict[str, Any] = read_json(folder / "preprocessor_config.json") or read_json(
        folder / "processor_config.json"
    ).get("feature_extractor", {})
    found, expected = features.get("feature_size"), config["num_mel_bins"]
    if found != expected:
        raise ConvertError(
            f"preprocessor_config.json of {folder.name} has feature_size {found}; expected {expected}, num_mel_bins of "
            "config.json"
        )
    return features


def _check_vocabulary(output: Path) -> None:
    """Raises ConvertError where a token has another number in CTranslate2's vocabulary than in tokenizer.json."""
    written: list[str] = json.loads((output / "vocabulary.json").read_text("utf8"))
    for token, number in Tokenizer.from_file(str(output / "tokenizer.json")).get_vocab(with_added_tokens=True).items():
        if number >= len(written) or written[number] != token:
            found = written[number] if number < len(written) else "nothing"
            raise ConvertError(f"the vocabulary has {found} at {number}, where tokenizer.json has {token}")
