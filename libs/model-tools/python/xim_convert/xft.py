"""From a Transformers folder in safetensors to the files of xFasterTransformer, with the tokenizer beside them.

The library's own converters write the files. They print an error and go on where something fails, and they leave out
what they do not know; so the folder is refused before, and every file is compared with its source after.
"""

from __future__ import annotations

import configparser
import importlib
import importlib.machinery
import importlib.util
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

from .errors import ConvertError
from .sentence_model import read_json

CONVERTERS = {"llama": "LlamaConvert", "qwen2": "Qwen2Convert", "qwen3": "Qwen3Convert"}
"""Class of `xfastertransformer.tools` by the `model_type` of config.json."""

_OWN_CODE = ("chatglm", "baichuan")
"""Kinds of models whose converters run the Python of the model's repository."""

DTYPES = {"fp16": np.float16, "fp32": np.float32}

_TOKENIZER = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json"),
    *("chat_template.jinja", "chat_template.json"),
)

Tensors = Callable[[str], torch.Tensor]


def to_xft(weights: str, folder: Path, output: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """The result: `shape` (as models.json has it), `options` (of the profile), and `agreement`, which is 1: a file with
    one number that is not its source's is an error.
    """
    config = read_json(folder / "config.json")
    expect_convertible(config, folder)
    say(f"converting with {CONVERTERS[config['model_type']]}")
    for name in _TOKENIZER:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, output / name)
    _write_old_form(config, folder)
    _run_converter(config, weights, folder, output)
    say("comparing every file with its source")
    compare(config, weights, folder, output)
    return {"shape": _shape_of(config), "options": {"weights": weights}, "agreement": 1.0}


def expect_convertible(config: dict[str, Any], folder: Path) -> None:
    """Raises ConvertError for what the converters would drop or misread without an error."""
    kind = str(config.get("model_type"))
    if kind.startswith(_OWN_CODE):
        raise ConvertError(
            f"the converter for {kind} runs the Python of the model's repository, which is not done here. If you trust "
            "it, call the converter of xfastertransformer.tools by hand"
        )
    if kind not in CONVERTERS:
        raise ConvertError(f"xFasterTransformer's converters for {kind} are not used; expected one of {_names()}")
    if not any(folder.glob("*.safetensors")):
        raise ConvertError("the model has no .safetensors; the converters and the comparison read these")
    if not (folder / "tokenizer.json").is_file():
        raise ConvertError("the model has no tokenizer.json, which the engine needs beside the weights")
    heads = config["num_attention_heads"]
    head_size = config.get("head_dim") or config["hidden_size"] // heads
    scaling = config.get("rope_scaling") or config.get("rope_parameters") or {}
    kind_of_rope = scaling.get("rope_type") or scaling.get("type") or "default"
    for holds, fault in (
        # The converter writes the kind from an old key, and the library ignores kinds that it does not know.
        (kind_of_rope == "default", f"positions are scaled ({kind_of_rope}), which the converter does not pass on"),
        (
            kind == "qwen3" or head_size * heads == config["hidden_size"],
            f"a head has {head_size} numbers, and the converter assumes {config['hidden_size'] // heads}",
        ),
        (not config.get("use_sliding_window"), "attention has a window, which the library does not know"),
        (not config.get("mlp_bias"), "the layers have biases (mlp_bias), which the converter leaves out"),
        (
            kind == "qwen2" or not config.get("attention_bias"),
            "attention has biases (attention_bias), which the converter leaves out",
        ),
        ("quantization_config" not in config, "the weights are quantised; expected the floating-point model"),
    ):
        if not holds:
            raise ConvertError(f"xFasterTransformer cannot have this model: {fault}")


def compare(config: dict[str, Any], weights: str, folder: Path, output: Path) -> None:
    """Raises ConvertError for a file that is missing, left over, or has another number than its source."""
    section = _read_ini(output)
    for name, expected in (
        ("num_layer", config["num_hidden_layers"]),
        ("head_num", config["num_attention_heads"]),
        ("kv_head_num", config.get("num_key_value_heads") or config["num_attention_heads"]),
        ("vocab_size", config["vocab_size"]),
        ("rope_theta", _rope_theta(config)),
    ):
        found = section.get(name)
        if found is None or float(found) != float(expected):
            raise ConvertError(f"the converter wrote {name} = {found} into config.ini; the model has {expected}")
    with SafeTensors(folder) as tensors:
        expected_files = dict(_expected_files(config, tensors))
    names = {path.name for path in output.glob("model.*.bin")}
    if names != expected_files.keys():
        lacking, surplus = sorted(expected_files.keys() - names), sorted(names - expected_files.keys())
        fault = f"did not write {lacking[0]}" if lacking else f"wrote {surplus[0]}, which is not known here"
        raise ConvertError(f"the converter {fault} ({len(names)} files of {len(expected_files)})")
    # Other converters read every tensor as fp16, whatever they write.
    through = torch.float32 if (config["model_type"], weights) == ("qwen3", "fp32") else torch.float16
    with SafeTensors(folder) as tensors:
        for name, read in _expected_files(config, tensors):
            _compare_file(output / name, read().to(through), weights)


def _compare_file(path: Path, source: torch.Tensor, weights: str) -> None:
    if not torch.isfinite(source).all():
        raise ConvertError(f"the source of {path.name} has numbers beyond {source.dtype}, in which the converter reads")
    found = np.fromfile(path, DTYPES[weights])
    if found.size != source.numel():
        raise ConvertError(f"{path.name} has {found.size} numbers; its source has {source.numel()}")
    if not np.array_equal(found.astype(np.float32), source.float().reshape(-1).numpy()):
        raise ConvertError(f"{path.name} differs from its source")


def _expected_files(config: dict[str, Any], tensors: SafeTensors) -> Iterator[tuple[str, Callable[[], torch.Tensor]]]:
    """Every file, and its numbers from the source: matrices are transposed; query, key and value are joined."""
    kind = config["model_type"]
    yield "model.wte.bin", lambda: tensors("model.embed_tokens.weight")
    yield "model.final_layernorm.weight.bin", lambda: tensors("model.norm.weight")
    head = "lm_head.weight" if "lm_head.weight" in tensors.names else "model.embed_tokens.weight"
    yield "model.lm_head.weight.bin", lambda: tensors(head)
    for layer in range(config["num_hidden_layers"]):
        block, target = f"model.layers.{layer}.", f"model.layers.{layer}."

        def one(name: str, block: str = block) -> Callable[[], torch.Tensor]:
            return lambda: tensors(f"{block}{name}")

        def turned(name: str, block: str = block) -> Callable[[], torch.Tensor]:
            return lambda: _turned(tensors(f"{block}{name}"))

        def joined(name: str, block: str = block) -> Callable[[], torch.Tensor]:
            return lambda: _turned(torch.cat([tensors(f"{block}self_attn.{part}_proj.{name}") for part in "qkv"]))

        for norm in ("input_layernorm.weight", "post_attention_layernorm.weight"):
            yield f"{target}{norm}.bin", one(norm)
        yield f"{target}attention.query_key_value.weight.0.bin", joined("weight")
        if kind == "qwen2":
            yield f"{target}attention.query_key_value.bias.0.bin", joined("bias")
        if kind == "qwen3":
            for norm in ("q_norm", "k_norm"):
                yield f"{target}attention.{norm}.weight.bin", one(f"self_attn.{norm}.weight")
        yield f"{target}attention.dense.weight.0.bin", turned("self_attn.o_proj.weight")
        for part in ("gate", "up", "down"):
            yield f"{target}mlp.{part}_proj.weight.0.bin", turned(f"mlp.{part}_proj.weight")


def _turned(tensor: torch.Tensor) -> torch.Tensor:
    """A matrix transposed; a bias as it is."""
    turned: torch.Tensor = tensor.T.contiguous() if tensor.dim() == 2 else tensor
    return turned


class SafeTensors:
    """The tensors of all safetensors of a folder, one at a time. A context manager."""

    def __init__(self, folder: Path) -> None:
        self._files = [safe_open(path, framework="pt") for path in sorted(folder.glob("*.safetensors"))]
        self._places: dict[str, Any] = {}
        for file in self._files:
            self._places.update(dict.fromkeys(file.keys(), file))

    @property
    def names(self) -> set[str]:
        return set(self._places)

    def __call__(self, name: str) -> torch.Tensor:
        if name not in self._places:
            raise ConvertError(f"the model lacks the tensor {name}")
        tensor: torch.Tensor = self._places[name].get_tensor(name)
        return tensor

    def __enter__(self) -> SafeTensors:
        return self

    def __exit__(self, *_: object) -> None:
        self._places.clear()
        self._files.clear()


def _write_old_form(config: dict[str, Any], folder: Path) -> None:
    """Transformers 5 writes the base of the positions elsewhere than 4.51.3 reads it, and a converter fails where
    generation_config.json is missing. `folder` is a copy that may be written.
    """
    path = folder / "config.json"
    path.unlink()
    path.write_text(json.dumps({"rope_theta": _rope_theta(config), **config}))
    if not (folder / "generation_config.json").is_file():
        (folder / "generation_config.json").write_text("{}")


def _rope_theta(config: dict[str, Any]) -> float:
    """10,000 where a model does not say, as in Transformers."""
    return float(config.get("rope_theta") or (config.get("rope_parameters") or {}).get("rope_theta", 10_000))


def _run_converter(config: dict[str, Any], weights: str, folder: Path, output: Path) -> None:
    module = _import_tools()
    converter = getattr(module, CONVERTERS[config["model_type"]])()
    try:
        # One process: the library's pool hides the errors of its processes. They are found by the comparison.
        converter.convert(str(folder), str(output), weights, processes=1)
    except SystemExit as error:
        raise ConvertError(f"the converter ended with code {error.code}; its own words are above") from error


def _import_tools() -> ModuleType:
    """`xfastertransformer.tools` without `xfastertransformer`, whose import runs AVX-512 on any CPU."""
    spec = importlib.util.find_spec("xfastertransformer")
    if spec is None or spec.submodule_search_locations is None:
        raise ConvertError("the tools lack xfastertransformer; remove .tools in the model cache and convert again")
    package = ModuleType("xfastertransformer")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["xfastertransformer"] = package
    return importlib.import_module("xfastertransformer.tools")


def _read_ini(output: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser()
    if not parser.read(output / "config.ini", "utf-8") or not parser.sections():
        raise ConvertError("the converter failed and wrote no config.ini; its own words are above")
    return parser[parser.sections()[0]]


def _shape_of(config: dict[str, Any]) -> dict[str, Any]:
    heads = config["num_attention_heads"]
    return {
        "contextLength": config["max_position_embeddings"],
        "layers": config["num_hidden_layers"],
        "kvHeads": config.get("num_key_value_heads") or heads,
        "headDim": config.get("head_dim") or config["hidden_size"] // heads,
    }


def _names() -> str:
    return ", ".join(CONVERTERS)
