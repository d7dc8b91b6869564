"""Quantised weights in safetensors become floating-point weights, which the exporters read.

Sources of the formats: FP8 in blocks, transformers' integrations/finegrained_fp8.py; compressed-tensors,
https://github.com/vllm-project/compressed-tensors (compressors/quantized_compressors); GPTQ, AutoGPTQ's
nn_modules/qlinear/qlinear_cuda_old.py; AWQ, AutoAWQ's awq/modules/linear/gemm.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from .errors import ConvertError

Read = Callable[[str], torch.Tensor | None]
"""A tensor of the same module by its own name, None where there is none."""
Unpack = Callable[[Read, Mapping[str, Any]], torch.Tensor]

_KEY = "quantization_config"
_INT32_BITS = 32
# The column of each nibble of an int32 of AWQ, the lowest nibble first.
_AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
_FP8_BLOCK = (128, 128)
# Scales of activations and of the cache, which a model with floating-point weights has not.
_UNUSED = ("input_scale", "output_scale", "activation_scale", "k_scale", "v_scale", "q_scale")


def dequantize(folder: Path, say: Callable[[str], None]) -> None:
    """Replaces the weights of a folder, which may be written; a folder without quantised weights stays as it is.

    Raises ConvertError for a format that is not known.
    """
    path = folder / "config.json"
    config = json.loads(path.read_text("utf8")) if path.is_file() else {}
    # A model of several parts has the configuration of its text model inside.
    parts = (config, config.get("text_config") or {})
    holder = next((part for part in parts if part.get(_KEY)), None)
    if holder is None:
        return
    quantisation = holder.pop(_KEY)
    primary, unpack = _find_format(quantisation)
    say(f"unpacking the weights ({quantisation.get('quant_method')})")
    _rewrite(folder, primary, lambda read: unpack(read, quantisation), _dtype(config))
    _replace(path, json.dumps(config, indent=2).encode())


def _find_format(quantisation: Mapping[str, Any]) -> tuple[str, Unpack]:
    """The name of the tensor that has the packed weight, and the function that unpacks it."""
    method, kind = quantisation.get("quant_method"), quantisation.get("format")
    if method == "fp8":
        return "weight", _unpack_fp8
    if method == "gptq" and quantisation.get("bits") in (2, 4, 8):
        return "qweight", _unpack_gptq
    if method == "awq" and (quantisation.get("bits"), str(quantisation.get("version", "gemm")).lower()) == (4, "gemm"):
        return "qweight", _unpack_awq
    if method == "compressed-tensors" and kind in ("float-quantized", "int-quantized", "naive-quantized"):
        return "weight", _unpack_scaled
    if method == "compressed-tensors" and kind == "pack-quantized":
        return "weight_packed", _unpack_packed
    details = ", ".join(str(value) for value in (kind, quantisation.get("bits"), quantisation.get("version")) if value)
    raise ConvertError(
        f"the weights are quantised by {method}{f' ({details})' if details else ''}, which is not read here. Use the "
        "floating-point model that they were made from, or a GGUF file of the model"
    )


def _rewrite(folder: Path, primary: str, unpack: Callable[[Read], torch.Tensor], dtype: torch.dtype) -> None:
    """Writes each file of weights anew: one in memory at a time. Parts of a module may stand in several files."""
    files = {path: safe_open(path, "pt") for path in sorted(folder.glob("*.safetensors"))}
    place = {name: file for file in files.values() for name in sorted(file.keys())}
    modules = {module for name in place if (module := _module_of(name, primary)) and _is_packed(place[name], name)}
    index: dict[str, str] = {}
    for path, file in files.items():
        names = [name for name, where in place.items() if where is file]
        tensors = dict(_plain(names, place, modules, primary, unpack, dtype))
        index |= dict.fromkeys(tensors, path.name)
        fresh = path.with_suffix(".fresh")
        save_file(tensors, fresh, metadata={"format": "pt"})
        fresh.replace(path)
    if len(files) > 1:
        content = {"metadata": {}, "weight_map": index}
        _replace(folder / "model.safetensors.index.json", json.dumps(content, indent=2).encode())


def _plain(
    names: Sequence[str],
    place: Mapping[str, Any],
    modules: set[str],
    primary: str,
    unpack: Callable[[Read], torch.Tensor],
    dtype: torch.dtype,
) -> Iterator[tuple[str, torch.Tensor]]:
    for name in names:
        module, _, own = name.rpartition(".")
        if own in _UNUSED:
            continue
        if module not in modules or own == "bias":
            tensor = place[name].get_tensor(name)
            if tensor.dtype.itemsize == 1 and tensor.dtype.is_floating_point:
                raise ConvertError(f"{name} has numbers of 8 bits, whose scale is not known here")
            yield name, tensor
        elif own == primary:

            def read(other: str, module: str = module) -> torch.Tensor | None:
                full = f"{module}.{other}"
                tensor: torch.Tensor | None = place[full].get_tensor(full) if full in place else None
                return tensor

            try:
                yield f"{module}.weight", unpack(read).to(dtype).contiguous()
            except (RuntimeError, IndexError, TypeError, ValueError) as error:
                raise ConvertError(f"{module} cannot be unpacked: {str(error).splitlines()[0]}") from error


def _module_of(name: str, primary: str) -> str | None:
    module, _, own = name.rpartition(".")
    return module if own == primary else None


def _is_packed(file: Any, name: str) -> bool:
    """Layers that were left out of the quantisation have floating-point weights under the same name."""
    return str(file.get_slice(name).get_dtype()) not in ("F64", "F32", "F16", "BF16")


def _dtype(config: Mapping[str, Any]) -> torch.dtype:
    text = config.get("text_config") or {}
    name = next((part[key] for part in (config, text) for key in ("dtype", "torch_dtype") if part.get(key)), None)
    found = getattr(torch, str(name), torch.bfloat16)
    return found if isinstance(found, torch.dtype) and found.is_floating_point else torch.bfloat16


def _needed(read: Read, name: str) -> torch.Tensor:
    tensor = read(name)
    if tensor is None:
        raise ValueError(f"it has no {name}")
    return tensor


def _unpack_fp8(read: Read, quantisation: Mapping[str, Any]) -> torch.Tensor:
    weight = _needed(read, "weight")
    if not weight.dtype.is_floating_point:
        raise ValueError(f"its numbers are {weight.dtype}; expected FP8")
    block = quantisation.get("weight_block_size") or _FP8_BLOCK
    return weight.float() * _spread(_needed(read, "weight_scale_inv").float(), weight.shape, block)


def _unpack_scaled(read: Read, quantisation: Mapping[str, Any]) -> torch.Tensor:
    weight, scale, zero = _needed(read, "weight"), _needed(read, "weight_scale").float(), read("weight_zero_point")
    block = _weights_of(quantisation).get("block_structure")
    values = weight.float()
    if zero is not None:
        values = values - _spread(zero.float(), weight.shape, block)
    return values * _spread(scale, weight.shape, block)


def _unpack_packed(read: Read, quantisation: Mapping[str, Any]) -> torch.Tensor:
    bits = int(_weights_of(quantisation)["num_bits"])
    rows, columns = (int(size) for size in _needed(read, "weight_shape"))
    middle = 2 ** (bits - 1)
    values = _integers(_needed(read, "weight_packed"), bits)[:, :columns] - middle
    scale, packed = _needed(read, "weight_scale").float(), read("weight_zero_point")
    zero = None
    if packed is not None:
        # Zero points are packed along the rows.
        zero = (_integers(packed.T, bits).T[:rows] - middle).float() if packed.dtype == torch.int32 else packed.float()
    groups = read("weight_g_idx")
    if groups is not None and (groups >= 0).all():
        scale = scale[:, groups.long()]
        zero = None if zero is None else zero[:, groups.long()]
    shifted = values.float() if zero is None else values.float() - _spread(zero, values.shape, None)
    return shifted * _spread(scale, values.shape, None)


def _unpack_gptq(read: Read, quantisation: Mapping[str, Any]) -> torch.Tensor:
    bits = int(quantisation["bits"])
    values = _integers(_needed(read, "qweight").T, bits).T
    scale = _needed(read, "scales").float()
    # The first version of the format stores a zero point less one.
    shift = 0 if quantisation.get("checkpoint_format") == "gptq_v2" else 1
    zero = (_integers(_needed(read, "qzeros"), bits)[:, : scale.shape[1]] + shift).float()
    groups = read("g_idx")
    if groups is None:
        groups = torch.arange(len(values)) // (len(values) // len(scale))
    return ((values.float() - zero[groups.long()]) * scale[groups.long()]).T


def _unpack_awq(read: Read, quantisation: Mapping[str, Any]) -> torch.Tensor:
    values, zero = (_in_order(_integers(_needed(read, name), 4)).float() for name in ("qweight", "qzeros"))
    scale = _needed(read, "scales").float()
    groups = torch.arange(len(values)) // (len(values) // len(scale))
    return ((values - zero[groups]) * scale[groups]).T


def _integers(packed: torch.Tensor, bits: int) -> torch.Tensor:
    """Unsigned integers `[rows, columns]` out of int32 words `[rows, words]`, the lowest bits first."""
    if _INT32_BITS % bits:
        raise ValueError(f"its numbers have {bits} bits, which do not divide a word of {_INT32_BITS}")
    shifts = torch.arange(0, _INT32_BITS, bits)
    values = packed.to(torch.int64)[:, :, None] >> shifts & (2**bits - 1)
    return values.reshape(len(packed), -1)


def _in_order(values: torch.Tensor) -> torch.Tensor:
    inverse = [_AWQ_ORDER.index(column) for column in range(len(_AWQ_ORDER))]
    return values.reshape(len(values), -1, len(_AWQ_ORDER))[:, :, inverse].reshape(len(values), -1)


def _weights_of(quantisation: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of the weights, which all groups of layers must share. Raises ConvertError."""
    found = [group.get("weights") or {} for group in (quantisation.get("config_groups") or {}).values()]
    facts = {(each.get("num_bits"), str(each.get("block_structure"))) for each in found}
    if len(facts) != 1:
        raise ConvertError(f"the weights are quantised in {len(facts)} ways; expected one for all layers")
    return found[0]


def _spread(scale: torch.Tensor, shape: torch.Size, block: Any) -> torch.Tensor:
    """A value for each element of a weight `shape`, out of one for the whole, for each row, group or block."""
    if scale.numel() == 1:
        return scale.reshape(1, 1)
    if scale.ndim == 1:
        scale = scale[:, None]
    for axis, size in enumerate(shape):
        count = scale.shape[axis]
        if count not in (1, size):
            each = block[axis - len(shape)] if block else size // count
            scale = scale.repeat_interleave(each, axis).narrow(axis, 0, size)
    return scale


def _replace(path: Path, content: bytes) -> None:
    """Writes a file anew, also where it is a link to a file of the cache."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
