"""A model's folder as Sentence Transformers saves it: its modules, prompts and the longest text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xim_worker import InvalidInput, StartError

from .dense import read_dense
from .encoder import Floats, Int64s
from .pooling import POOLINGS, Pool, concatenated, none, to_unit

# The booleans of a pooling's config.json in the order in which their vectors are concatenated.
_POOLING_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
# Their positions begin after the padding token's number, so a text has fewer tokens than there are positions.
_POSITIONS_AFTER_PADDING = {
    *("roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer"),
    *("data2vec-text", "ibert", "xmod"),
}
# A tokenizer without a limit says so with a number of thirty digits.
_NO_LIMIT = 10**9
_DOCUMENT = ("document", "passage", "corpus")


@dataclass(frozen=True)
class SentenceModel:
    pool: Pool
    layers: list[Callable[[Floats], Floats]]
    """What follows pooling, each `[rows, in] -> [rows, out]`."""
    prompts: dict[str, str]
    """Name to the text that is put before the caller's."""
    default_prompt: str | None
    context_length: int | None
    """The most tokens of a text, special tokens included; None where no file says."""

    def to_vectors(self, hidden: Floats, mask: Int64s) -> Floats:
        """Unit vectors `[rows, dimensions]` of an encoder's hidden states."""
        axes = 2 if self.pool is none else 3
        if hidden.ndim != axes:
            raise ValueError(f"the model gives an array of {hidden.ndim} axes; its pooling expects {axes}")
        vectors = self.pool(hidden, mask)
        for layer in self.layers:
            vectors = layer(vectors)
        return to_unit(vectors)

    def prompt_text(self, name: str | None) -> str:
        """The text of a prompt, or of the model's default one; raises InvalidInput for a name it does not have."""
        if name is None:
            return self.prompts[self.default_prompt] if self.default_prompt is not None else ""
        if name in self.prompts:
            return self.prompts[name]
        if name in _DOCUMENT:
            for other in _DOCUMENT:
                if other in self.prompts:
                    return self.prompts[other]
            # A model that prepares only its queries takes documents as they are.
            if "query" in self.prompts:
                return ""
        known = ", ".join(f'"{prompt}"' for prompt in self.prompts) or "none"
        raise InvalidInput(
            f'This model has no prompt "{name}"; it has: {known}.', "prompt", "XIM_UNSUPPORTED_PARAMETER"
        )


def read_sentence_model(folder: Path, options: dict[str, Any]) -> SentenceModel:
    """The folder's files; the profile's option `pooling` goes before them. Raises StartError for unknown modules."""
    if options.get("normalize", True) is not True:
        raise StartError("the profile asks for vectors that are not normalised; here all are", permanent=True)
    pooling: list[str] = []
    pooling_config: dict[str, Any] = {}
    layers: list[Callable[[Floats], Floats]] = []
    for kind, path in _read_modules(folder):
        if kind == "Pooling":
            pooling_config = _read(path / "config.json")
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
        raise StartError("the model leaves its prompts out of pooling (include_prompt), unlike here", permanent=True)
    return SentenceModel(_to_pool(pooling or ["mean"]), layers, prompts, default, read_context_length(folder))


def read_context_length(folder: Path) -> int | None:
    """The least of what the model's positions, its tokenizer and Sentence Transformers allow; None where none says."""
    config = _read(folder / "config.json")
    positions = config.get("max_position_embeddings") or config.get("n_positions")
    if positions and config.get("model_type") in _POSITIONS_AFTER_PADDING:
        padding = config.get("pad_token_id")
        positions -= (1 if padding is None else padding) + 1
    asked = _read(folder / "sentence_bert_config.json").get("max_seq_length")
    found = [positions, asked or _read(folder / "tokenizer_config.json").get("model_max_length")]
    return min((int(each) for each in found if each and 0 < each < _NO_LIMIT), default=None)


def read_padding_token(folder: Path) -> int:
    """The token that fills a row; 0 where config.json names none. A decoder looks for it to find a text's end."""
    token = _read(folder / "config.json").get("pad_token_id")
    return token if type(token) is int and token >= 0 else 0


def _read_modules(folder: Path) -> list[tuple[str, Path]]:
    """Kind (`Pooling`) and folder of each module, in order."""
    path = folder / "modules.json"
    if path.is_file():
        return [(str(each["type"]).rsplit(".", 1)[-1], folder / each.get("path", "")) for each in _load(path)]
    # Models are published without that file, too; the folder of the pooling has this name.
    return [("Pooling", folder / "1_Pooling")] if (folder / "1_Pooling").is_dir() else []


def _read_pooling(config: dict[str, Any], path: Path) -> list[str]:
    """Both spellings: `"pooling_mode": "cls"` (or a list), and a boolean for each."""
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
    config = _read(path / "config.json")
    for name in ("module_input_name", "module_output_name"):
        if config.get(name, "sentence_embedding") not in (None, "sentence_embedding"):
            raise StartError(f"{path.name} works on {config[name]}, not on the pooled vector", permanent=True)
    return config


def _read_prompts(folder: Path) -> tuple[dict[str, str], str | None]:
    config = _read(folder / "config_sentence_transformers.json")
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


def _read(path: Path) -> dict[str, Any]:
    found = _load(path) if path.is_file() else {}
    if not isinstance(found, dict):
        raise StartError(f"{path.name} holds no JSON object", permanent=True)
    return found


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf8"))
    except ValueError as error:
        raise StartError(f"{path.name} is no JSON: {error}", permanent=True) from error
