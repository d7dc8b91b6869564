"""Converts a pickle of tensors to safetensors. The pickle is read once, by a reader that runs none of its code."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from .errors import ConvertError


def to_safetensors(file: Path, output: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Writes every tensor of `file` to `output`, reads it back and compares. The result counts tensors and bytes."""
    say("reading the pickle, without running what is in it")
    tensors = read_tensors(file)
    say("writing safetensors")
    save_file(tensors, output, metadata={"format": "pt"})
    say("comparing")
    written = load_file(output)
    for name, tensor in tensors.items():
        if not torch.equal(written[name].nan_to_num(), tensor.nan_to_num()):
            raise ConvertError(f"the tensor {name} was not read back as it was written")
    return {"tensors": len(tensors), "bytes": sum(tensor.nbytes for tensor in tensors.values())}


def read_tensors(file: Path) -> dict[str, torch.Tensor]:
    """The tensors of a pickle by their dotted names. No two tensors share memory. Raises ConvertError."""
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # PyTorch's text continues with advice that is dangerous for a file of another author.
        raise ConvertError(
            f"{file.name} holds more than tensors and plain values, or is no pickle at all; it is not read, since that "
            "could run code"
        ) from error
    except (RuntimeError, EOFError, ValueError) as error:
        raise ConvertError(f"{file.name} cannot be read: {str(error).splitlines()[0]}") from error
    # Tensors that share memory (tied weights) cannot stand in one file of safetensors as one.
    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in _flatten("", content)}
    if not tensors:
        raise ConvertError(f"{file.name} holds no tensors")
    return tensors


def _flatten(prefix: str, value: Any) -> list[tuple[str, torch.Tensor]]:
    """Tensors in nested dictionaries and lists; a checkpoint's counters and settings are left behind."""
    if isinstance(value, torch.Tensor):
        return [(prefix, value)]
    if isinstance(value, (list, tuple)):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return []
    return [
        found for key, member in value.items() for found in _flatten(f"{prefix}.{key}" if prefix else str(key), member)
    ]
