"""The dense layer after pooling that some models have (the module `Dense` of Sentence Transformers)."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from xim_worker import StartError

from .encoder import Floats

ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "Identity": lambda values: values,
    "Tanh": lambda values: np.tanh(values),
    "ReLU": lambda values: np.maximum(values, 0),
    "Sigmoid": lambda values: (1 / (1 + np.exp(-values))).astype(np.float32),
}
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


def read_dense(folder: Path, config: dict[str, Any]) -> Callable[[Floats], Floats]:
    """Reads the layer `[rows, in] -> [rows, out]` from a module's folder.

    Raises StartError for unsupported or unreadable files.
    """
    activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh")).rsplit(".", 1)[-1]
    if activation not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise StartError(f"{folder.name} has the activation {activation}; known are {known}", permanent=True)
    path = folder / "model.safetensors"
    if not path.is_file():
        raise StartError(
            f"{folder.name} has no model.safetensors; a pickle (pytorch_model.bin) is not read, since reading it runs "
            "the code in it. Save the model with safetensors",
            permanent=True,
        )
    tensors = read_tensors(path)
    weight, bias = tensors.get("linear.weight"), tensors.get("linear.bias")
    expected = (config.get("out_features"), config.get("in_features"))
    if weight is None or weight.shape != expected or (bias is None) == bool(config.get("bias", True)):
        raise StartError(
            f"{folder.name}/model.safetensors has {sorted(tensors)}; expected linear.weight with the shape {expected}, "
            "and linear.bias if and only if its config.json enables it",
            permanent=True,
        )
    columns, offset, activate = np.ascontiguousarray(weight.T), np.float32(0) if bias is None else bias, activation
    return lambda vectors: ACTIVATIONS[activate](vectors @ columns + offset)


def read_tensors(path: Path) -> dict[str, Floats]:
    """All tensors of a safetensors file as float32: `u64 header length | JSON header | data`, little-endian."""
    data = path.read_bytes()
    try:
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length])
        header.pop("__metadata__", None)
        return {name: _tensor(memoryview(data)[8 + length :], entry) for name, entry in header.items()}
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise StartError(f"{path.parent.name}/{path.name} cannot be read: {error}", permanent=True) from error


def _tensor(data: memoryview, entry: dict[str, Any]) -> Floats:
    begin, end = entry["data_offsets"]
    dtype, raw = entry["dtype"], data[begin:end]
    if dtype == "BF16":
        # A bfloat16 is the upper half of a float32.
        values: Floats = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    elif dtype in _DTYPES:
        values = np.frombuffer(raw, _DTYPES[dtype]).astype(np.float32)
    else:
        raise ValueError(f"the dtype {dtype} is not one of {', '.join([*_DTYPES, 'BF16'])}")
    tensor: Floats = values.reshape(entry["shape"])
    return tensor
