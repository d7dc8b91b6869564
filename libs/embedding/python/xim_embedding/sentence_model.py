"""Reads a model's folder in the layout of Sentence Transformers: modules, prompts and context length."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from xim_worker import InvalidInput, StartError

from .dense import read_dense
from .encoder import Floats, Int64s
from .pooling import POOLINGS, Pool, concatenated, none, to_unit

# The boolean keys of a pooling's config.json, in the order in which the vectors are concatenated.
_POOLING_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
# Model types whose positions begin after the padding token's id, so a text has fewer tokens than there are positions.
_POSITIONS_AFTER_PADDING = {
    *("roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer"),
    *("data2vec-text", "ibert", "xmod"),
}
# A tokenizer without a limit has a number of thirty digits as its `model_max_length`.
_NO_LIMIT = 10**9
_DOCUMENT = ("document", "passage", "corpus")


@dataclass(frozen=True)
class SentenceModel:
    pool: Pool
    layers: list[Callable[[Floats], Floats]]
    """The layers after pooling, each `[rows, in] -> [rows, out]`."""
    prompts: dict[str, str]
    """Maps a prompt's name to the text that is put before the caller's text."""
    default_prompt: str | None
    context_length: int | None
    """The most tokens of a text, special tokens included; None if no file states it."""

    def to_vectors(self, hidden: Floats, mask: Int64s) -> Floats:
        """Converts an encoder's hidden states to unit vectors `[rows, dimensions]`.

        Raises ValueError if `hidden` does not have the number of axes that the pooling expects.
        """
        axes = 2 if self.pool is none else 3
        if hidden.ndim != axes:
            raise ValueError(f"the model gives an array of {hidden.ndim} axes; its pooling expects {axes}")
        vectors = self.pool(hidden, mask)
        for layer in self.layers:
            vectors = layer(vectors)
        return to_unit(vectors)

    def prompt_text(self, name: str | None) -> str:
        """The text of a prompt; None is the model's default prompt. Raises InvalidInput for an unknown name."""
        if name is None:
            return self.prompts[self.default_prompt] if self.default_prompt is not None else ""
        if name in self.prompts:
            return self.prompts[name]
        if name in _DOCUMENT and any(each in self.prompts for each in ("query", *_DOCUMENT)):
            # A model with a prompt for queries only takes documents without a prompt.
            return self.role_prompt("document")
        known = ", ".join(f'"{prompt}"' for prompt in self.prompts) or "none"
        raise InvalidInput(
            f'This model has no prompt "{name}"; it has: {known}.', "prompt", "XIM_UNSUPPORTED_PARAMETER"
        )

    def role_prompt(self, role: Literal["query", "document"]) -> str:
        """The text of the prompt for a query or a document of a search, as `encode_query` and `encode_document`.

        Without a prompt for either, it is the model's default prompt.
        """
        names = ("query",) if role == "query" else _DOCUMENT
        for name in names:
            if name in self.prompts:
                return self.prompts[name]
        return "" if any(name in self.prompts for name in ("query", *_DOCUMENT)) else self.prompt_text(None)


def read_sentence_model(folder: Path, options: dict[str, Any]) -> SentenceModel:
    """Reads the folder's files; the profile's option `pooling` overrides them.

    Raises StartError for unknown or unsupported modules, and for files that cannot be read.
    """
    if options.get("normalize", True) is not True:
        raise StartError("the profile asks for vectors that are not normalised, which is not supported", permanent=True)
    pooling: list[str] = []
    pooling_config: dict[str, Any] = {}
    layers: list[Callable[[Floats], Floats]] = []
    for kind, path in read_modules(folder):
        if kind == "Pooling":
            pooling_config = read_object(path / "config.json")
            pooling = _read_pooling(pooling_config, path)
        elif kind == "Dense":
            layers.append(read_dense(path, _read_dense_config(path)))
        elif kind == "Normalize":
            layers.append(to_unit)
        elif kind not in ("Transformer", "Dropout"):
            raise StartError(f"modules.json names the module {kind}, which is not known here", permanent=True)
    if "pooling" in options:
        pooling = [str(options["pooling"])]
    prompts, default = _read_prompts(folder)
    if pooling_config.get("include_prompt", True) is False and any(prompts.values()):
        raise StartError("the model pools without the prompt (include_prompt), which is not supported", permanent=True)
    return SentenceModel(_to_pool(pooling or ["mean"]), layers, prompts, default, read_context_length(folder))


def read_context_length(folder: Path) -> int | None:
    """The lowest limit in tokens of the positions, the tokenizer and Sentence Transformers; None without a limit."""
    config = read_object(folder / "config.json")
    positions = config.get("max_position_embeddings") or config.get("n_positions")
    if positions and config.get("model_type") in _POSITIONS_AFTER_PADDING:
        padding = config.get("pad_token_id")
        positions -= (1 if padding is None else padding) + 1
    asked = read_object(folder / "sentence_bert_config.json").get("max_seq_length")
    # NomicBERT can compute more positions than it was trained on.
    trained = config.get("max_trained_positions")
    found = [positions, trained, asked or read_object(folder / "tokenizer_config.json").get("model_max_length")]
    return min((int(each) for each in found if each and 0 < each < _NO_LIMIT), default=None)


def read_padding_token(folder: Path) -> int:
    """The id of the padding token; 0 if config.json has none. A decoder finds the end of a text by this token."""
    token = read_object(folder / "config.json").get("pad_token_id")
    return token if type(token) is int and token >= 0 else 0


def read_modules(folder: Path) -> list[tuple[str, Path]]:
    """Kind (such as `Pooling`) and folder of each module, in order."""
    path = folder / "modules.json"
    if path.is_file():
        return [(str(each["type"]).rsplit(".", 1)[-1], folder / each.get("path", "")) for each in _load(path)]
    # Some models are published without modules.json; their pooling has this folder.
    return [("Pooling", folder / "1_Pooling")] if (folder / "1_Pooling").is_dir() else []


def _read_pooling(config: dict[str, Any], path: Path) -> list[str]:
    """Reads both forms: `"pooling_mode": "cls"` (or a list), and one boolean key for each pooling."""
    named = config.get("pooling_mode")
    if named:
        return [str(name) for name in named] if isinstance(named, list) else [str(named)]
    chosen = [flag for flag, value in config.items() if flag.startswith("pooling_mode_") and value]
    unknown = [flag for flag in chosen if flag not in _POOLING_FLAGS]
    if unknown or not chosen:
        named_flags = ", ".join(unknown) or "no pooling"
        raise StartError(f"{path.name}/config.json chooses {named_flags}, which is not known here", permanent=True)
    return [name for flag, name in _POOLING_FLAGS.items() if flag in chosen]


def _read_dense_config(path: Path) -> dict[str, Any]:
    config = read_object(path / "config.json")
    for name in ("module_input_name", "module_output_name"):
        if config.get(name, "sentence_embedding") not in (None, "sentence_embedding"):
            raise StartError(f"{path.name} works on {config[name]}, not on the pooled vector", permanent=True)
    return config


def _read_prompts(folder: Path) -> tuple[dict[str, str], str | None]:
    config = read_object(folder / "config_sentence_transformers.json")
    prompts, default = config.get("prompts") or {}, config.get("default_prompt_name")
    if default is not None and default not in prompts:
        known = ", ".join(prompts) or "none"
        raise StartError(f'default_prompt_name is "{default}"; the model has the prompts: {known}', permanent=True)
    return {name: text or "" for name, text in prompts.items()}, default


def _to_pool(names: list[str]) -> Pool:
    for name in names:
        if name not in POOLINGS:
            raise StartError(f'the model is pooled by "{name}"; known are {", ".join(POOLINGS)}', permanent=True)
    return concatenated(names)


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty without the file. Raises StartError if it holds no object."""
    found = _load(path) if path.is_file() else {}
    if not isinstance(found, dict):
        raise StartError(f"{path.name} holds no JSON object", permanent=True)
    return found


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf8"))
    except ValueError as error:
        raise StartError(f"{path.name} is no JSON: {error}", permanent=True) from error
