"""The modules after the transformer of a model for embeddings, as Sentence Transformers saves them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import ConvertError

_POOLINGS: dict[str, Callable[[Any], Any]] = {
    "cls": lambda hidden: hidden[0],
    "max": lambda hidden: hidden.max(0),
    "mean": lambda hidden: hidden.mean(0),
    "mean_sqrt_len_tokens": lambda hidden: hidden.sum(0) / len(hidden) ** 0.5,
    "weightedmean": lambda hidden: np.average(hidden, 0, weights=np.arange(1, len(hidden) + 1)),
    "lasttoken": lambda hidden: hidden[-1],
}
# The booleans of the older spelling, in the order in which their vectors are concatenated.
_FLAGS = {f"pooling_mode_{name}": name for name in ("mean_sqrt_len_tokens", "lasttoken")} | {
    f"pooling_mode_{name}_token{plural}": name
    for name, plural in (("cls", ""), ("max", "s"), ("mean", "s"), ("weightedmean", "s"))
}
_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "Identity": lambda values: values,
    "Tanh": np.tanh,
    "ReLU": lambda values: np.maximum(values, 0),
    "Sigmoid": lambda values: 1 / (1 + np.exp(-values)),
}
_TOKENIZERS = ("tokenizer.json", "vocab.txt")
# All files that the service reads from such a folder, except the transformer.
_FILES = ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json", "tokenizer_config.json")


@dataclass(frozen=True)
class SentenceModel:
    poolings: list[str]
    dense: list[tuple[Path, dict[str, Any]]]

    def dimensions(self, elements: int) -> int:
        """Of a vector, for so many elements of a hidden state."""
        return int(self.dense[-1][1]["out_features"]) if self.dense else elements * len(self.poolings)

    def to_vector(self, hidden: Any) -> Any:
        """Of one text's hidden states `[tokens, elements]`; not normalised."""
        vector = np.concatenate([_POOLINGS[name](hidden) for name in self.poolings])
        for folder, config in self.dense:
            vector = _through(folder, config, vector)
        return vector


def read_sentence_model(folder: Path) -> SentenceModel:
    """Raises ConvertError for a module, a pooling or an activation that the service does not know."""
    poolings, dense = [], []
    modules = read_json(folder / "modules.json") or [{"type": "Pooling", "path": "1_Pooling"}]
    for module in modules:
        kind, path = str(module["type"]).rsplit(".", 1)[-1], folder / module.get("path", "")
        config = read_json(path / "config.json")
        if kind == "Pooling" and config:
            poolings = _read_poolings(config)
        elif kind == "Dense":
            if _activation(config) not in _ACTIVATIONS:
                raise ConvertError(f"the activation {_activation(config)} of {path.name} is not known here")
            if not (path / "model.safetensors").is_file():
                raise ConvertError(f"{path.name} has no model.safetensors; save the model with safetensors")
            dense.append((path, config))
        elif kind not in ("Transformer", "Pooling", "Normalize", "Dropout"):
            raise ConvertError(f"modules.json names the module {kind}, which is not known here")
    return SentenceModel(poolings or ["mean"], dense)


def copy_sentence_model(folder: Path, output: Path) -> None:
    """Copies the tokenizer and the files of the modules after the transformer to the converted model."""
    tokenizer = next((name for name in _TOKENIZERS if (folder / name).is_file()), None)
    if tokenizer is None:
        raise ConvertError(f"{folder.name} has no tokenizer; expected tokenizer.json, or vocab.txt of BERT")
    parts = [path for path in folder.glob("[0-9]*_*/*") if path.name in ("config.json", "model.safetensors")]
    for path in [folder / tokenizer, *(folder / name for name in _FILES), *parts]:
        if path.is_file():
            copy = output / path.relative_to(folder)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, copy)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text("utf8")) if path.is_file() else {}


def _through(folder: Path, config: dict[str, Any], vector: Any) -> Any:
    from safetensors.torch import load_file

    # By PyTorch, since NumPy has no bfloat16.
    tensors = {name: tensor.float().numpy() for name, tensor in load_file(folder / "model.safetensors").items()}
    return _ACTIVATIONS[_activation(config)](tensors["linear.weight"] @ vector + tensors.get("linear.bias", 0))


def _read_poolings(config: dict[str, Any]) -> list[str]:
    named = config.get("pooling_mode")
    names = named if isinstance(named, list) else [named] if named else _chosen(config)
    unknown = [str(name) for name in names if name not in _POOLINGS]
    if unknown or not names:
        raise ConvertError(f"the pooling {', '.join(unknown) or 'is none'}; known are {', '.join(_POOLINGS)}")
    return list(names)


def _chosen(config: dict[str, Any]) -> list[str]:
    flags = [flag for flag, value in config.items() if flag.startswith("pooling_mode_") and value]
    return sorted((_FLAGS.get(flag, flag) for flag in flags), key=lambda name: [*_POOLINGS, name].index(name))


def _activation(config: dict[str, Any]) -> str:
    return str(config.get("activation_function", "Tanh")).rsplit(".", 1)[-1]
