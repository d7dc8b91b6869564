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
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from .errors import ConvertError
from .sentence_model import read_json
from .xft_checks import expect_convertible
from .xft_files import File, SafeTensors, expect_tensors, expected_files
from .xft_kinds import Config, Kind, ini_values, kind_of, rope_theta, sizes_of
from .xft_reader import reading_files

DTYPES = {"fp16": torch.float16, "fp32": torch.float32, "bf16": torch.bfloat16, "fp8_e4m3": torch.float8_e4m3fn}

_READ_AS_FP16 = ("llama", "qwen2", "chatglm2", "chatglm4")
"""Kinds whose converters read every tensor as fp16, whatever they write."""

_TOKENIZER = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json"),
    *("chat_template.jinja", "chat_template.json"),
)


def to_xft(weights: str, folder: Path, output: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """The result: `shape` (as models.json has it), `options` (of the profile), and `agreement`, which is 1: a file with
    one number that is not its source's is an error.
    """
    config = read_json(folder / "config.json")
    kind = kind_of(config)
    expect_convertible(kind, config, weights, folder)
    values = ini_values(kind, config, weights)
    with SafeTensors(folder) as tensors:
        files = expected_files(kind, config, weights, tensors.names)
        expect_tensors(files, config, tensors)
        say(f"converting with {kind.converter}")
        for name in _TOKENIZER:
            if (folder / name).is_file():
                shutil.copyfile(folder / name, output / name)
        _write_old_form(config, folder)
        _run_converter(kind, config, weights, folder, output, tensors)
        _remove_further_layers(config, output)
        say("comparing every file with its source")
        _compare_ini(values, output)
        _compare_files(kind, files, weights, tensors, output)
    return {"shape": _shape_of(config), "options": _options_of(kind, weights), "agreement": 1.0}


def _compare_ini(values: Config, output: Path) -> None:
    section = _read_ini(output)
    for name, expected in values.items():
        found = section.get(name)
        if not _is_same(found, expected):
            raise ConvertError(f"the converter wrote {name} = {found} into config.ini; the model has {expected}")


def _is_same(found: str | None, expected: Any) -> bool:
    if found is None or isinstance(expected, (str, bool)):
        return found == str(expected)
    try:
        return float(found) == float(expected)
    except ValueError:
        return False


def _compare_files(kind: Kind, files: list[File], weights: str, tensors: SafeTensors, output: Path) -> None:
    """Raises ConvertError for a file that is missing, left over, or has another number than its source."""
    expected, names = {file.name for file in files}, {path.name for path in output.glob("model.*.bin")}
    if names != expected:
        lacking, surplus = sorted(expected - names), sorted(names - expected)
        fault = f"did not write {lacking[0]}" if lacking else f"wrote {surplus[0]}, which is not known here"
        raise ConvertError(f"the converter {fault} ({len(names)} files of {len(expected)})")
    for file in files:
        dtype = DTYPES[file.dtype or weights]
        source = _source_of(file, tensors)
        if dtype == DTYPES["fp8_e4m3"] and source.dtype != dtype:
            raise ConvertError(f"the source of {file.name} is {source.dtype}, and the library reads {dtype}")
        _compare_file(output / file.name, source.to(torch.float16 if kind.name in _READ_AS_FP16 else dtype), dtype)


def _source_of(file: File, tensors: SafeTensors) -> torch.Tensor:
    source = torch.cat([tensors(name) for name in file.tensors]) if len(file.tensors) > 1 else tensors(file.tensors[0])
    if file.normalised:
        source = torch.nn.functional.normalize(source.float())
    return source.T if file.turned else source


def _compare_file(path: Path, source: torch.Tensor, dtype: torch.dtype) -> None:
    numbers = source.float().reshape(-1)
    if not torch.isfinite(numbers).all():
        raise ConvertError(f"the source of {path.name} has numbers beyond {source.dtype}, in which the converter reads")
    bytes_found, width = np.fromfile(path, np.uint8), dtype.itemsize
    if bytes_found.size != numbers.numel() * width:
        raise ConvertError(f"{path.name} has {bytes_found.size / width:g} numbers; its source has {numbers.numel()}")
    if not torch.equal(torch.from_numpy(bytes_found).view(dtype).float(), numbers):
        raise ConvertError(f"{path.name} differs from its source")


def _write_old_form(config: Config, folder: Path) -> None:
    """Transformers 5 writes the base of the positions elsewhere than 4.51.3 reads it, and a converter fails where
    generation_config.json is missing. `folder` is a copy that may be written.
    """
    path = folder / "config.json"
    path.unlink()
    path.write_text(json.dumps({"rope_theta": rope_theta(config), **config}))
    if not (folder / "generation_config.json").is_file():
        (folder / "generation_config.json").write_text("{}")


def _run_converter(kind: Kind, config: Config, weights: str, folder: Path, output: Path, tensors: SafeTensors) -> None:
    converter = getattr(_import_tools(), kind.converter)()
    try:
        with reading_files(converter, config, tensors) if kind.loads_model else nullcontext():
            # One process: the library's pool hides the errors of its processes. They are found by the comparison.
            converter.convert(str(folder), str(output), weights, processes=1)
    except SystemExit as error:
        raise ConvertError(f"the converter ended with code {error.code}; its own words are above") from error


def _remove_further_layers(config: Config, output: Path) -> None:
    """Of DeepSeek in FP8 the converter writes the layers that predict further tokens too; nothing reads them."""
    layers = sizes_of(config).layers
    for path in output.glob("model.layers.*.bin") if config["model_type"] == "deepseek_v3" else ():
        if int(path.name.split(".")[2]) >= layers:
            path.unlink()


def _import_tools() -> ModuleType:
    """`xfastertransformer.tools` without `xfastertransformer`, whose import runs AVX-512 on any CPU."""
    spec = importlib.util.find_spec("xfastertransformer")
    if spec is None or spec.submodule_search_locations is None:
        raise ConvertError("the tools lack xfastertransformer; remove .tools in the model cache and convert again")
    package = ModuleType("xfastertransformer")
    package.__spec__ = spec
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["xfastertransformer"] = package
    return importlib.import_module("xfastertransformer.tools")


def _read_ini(output: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser()
    if not parser.read(output / "config.ini", "utf-8") or not parser.sections():
        raise ConvertError("the converter failed and wrote no config.ini; its own words are above")
    return parser[parser.sections()[0]]


def _shape_of(config: Config) -> dict[str, Any]:
    sizes = sizes_of(config)
    return {
        "contextLength": sizes.context_length,
        "layers": sizes.layers,
        "kvHeads": sizes.kv_heads,
        "headDim": sizes.head_size,
    }


def _options_of(kind: Kind, weights: str) -> dict[str, Any]:
    if kind.name != "deepseek_v3":
        return {"weights": weights}
    # The library has DeepSeek in these dtypes only: the files', and keys and values in bf16.
    return {"weights": weights, "dtype": weights, "kvDtype": "bf16"}
