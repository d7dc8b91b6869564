"""The folder that the library's converters write: `config.ini` and a file per matrix, checked before it is loaded.

The library reads a missing file as an error on its output and computes with what is in memory; a folder is therefore
compared with what its `config.ini` promises.
"""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from pathlib import Path

from xim_worker import StartError

CONFIG = "config.ini"

_BYTES = {"fp32": 4, "fp16": 2, "bf16": 2, "int8": 1, "fp8_e4m3": 2}
"""Of a number of the embedding, which is in bf16 where matrices are in FP8."""

_GATED = ("gate", "up", "down")


@dataclass(frozen=True)
class ModelFiles:
    """The numbers that the engine uses for planning."""

    architecture: str
    layers: int
    kv_heads: int
    head_size: int
    vocabulary: int
    context_length: int
    weights: str
    """dtype of the numbers in the files; that of the computation is chosen when they are loaded."""


def read_model(folder: Path) -> ModelFiles:
    """Raises a permanent StartError for a folder without a complete converted model."""
    parser = configparser.ConfigParser()
    try:
        text = (folder / CONFIG).read_text("utf-8")
    except FileNotFoundError:
        raise _broken(folder, f"{CONFIG} is missing") from None
    try:
        parser.read_string(text)
        architecture = parser.sections()[0]
        section = parser[architecture]
        heads, hidden = section.getint("head_num"), section.getint("hidden_size")
        dense, experts = section.getint("first_k_dense_replace", 0), section.getint("sparse_experts", 0)
        model = ModelFiles(
            architecture=architecture,
            layers=int(section["num_layer"]),
            kv_heads=section.getint("kv_head_num", int(section["head_num"])),
            head_size=int(section["size_per_head"]),
            vocabulary=int(section["vocab_size"]),
            context_length=int(section["max_pos_seq_len"]),
            weights=section.get("weight_data_type", "fp16"),
        )
    except (configparser.Error, LookupError, ValueError) as error:
        raise _broken(folder, f"{CONFIG} cannot be read ({error})") from error
    layers = _check_sizes(folder, model, hidden or (heads or 0) * model.head_size)
    _check_experts(folder, layers, dense, experts)
    return model


def _check_sizes(folder: Path, model: ModelFiles, hidden: int) -> list[dict[str, int]]:
    """Every layer has the same files of the same sizes, none of them empty, and the embedding has the model's size.
    The sizes of each layer's files.
    """
    sizes = {path.name: path.stat().st_size for path in folder.glob("model.*.bin")}
    empty = sorted(name for name, size in sizes.items() if size == 0)
    if empty:
        raise _broken(folder, f"{empty[0]} is empty")
    layers: list[dict[str, int]] = [{} for _ in range(model.layers)]
    for name, size in sizes.items():
        parts = name.split(".")
        if parts[1] == "layers":
            number = int(parts[2])
            if number >= model.layers:
                raise _broken(folder, f"{name} belongs to a layer beyond the {model.layers} of {CONFIG}")
            layers[number][".".join(parts[3:])] = size
    for number, files in enumerate(layers):
        # Models whose layers differ have the same small ones at least: norms and attention.
        if not files:
            raise _broken(folder, f"the files of layer {number} are missing")
        lacking = sorted(name for name in layers[0] if name not in files and "mlp" not in name)
        if lacking:
            raise _broken(folder, f"model.layers.{number}.{lacking[0]} is missing")
        wrong = sorted(name for name, size in files.items() if layers[0].get(name, size) != size and "mlp" not in name)
        if wrong:
            raise _broken(folder, f"model.layers.{number}.{wrong[0]} has not the size of the first layer's")
    width = _BYTES.get(model.weights)
    for name in ("model.wte.bin", "model.final_layernorm.weight.bin"):
        if name not in sizes:
            raise _broken(folder, f"{name} is missing")
    if width is not None and hidden and sizes["model.wte.bin"] != model.vocabulary * hidden * width:
        expected = model.vocabulary * hidden * width
        raise _broken(folder, f"model.wte.bin has {sizes['model.wte.bin']} bytes instead of {expected}")
    return layers


def _check_experts(folder: Path, layers: list[dict[str, int]], first: int, experts: int) -> None:
    """Layers from `first` on have all experts, and the same files."""
    if experts == 0:
        return
    matrices = {f"mlp.experts.{expert}.{part}_proj.weight.bin" for expert in range(experts) for part in _GATED}
    for number in range(first, len(layers)):
        lacking = sorted((matrices | layers[first].keys()) - layers[number].keys())
        if lacking:
            raise _broken(folder, f"model.layers.{number}.{lacking[0]} is missing")


def _broken(folder: Path, what: str) -> StartError:
    advice = "Convert it again, as the README of @xim/engine-xft says."
    return StartError(f"{folder} is no whole model of xFasterTransformer: {what}. {advice}", permanent=True)
