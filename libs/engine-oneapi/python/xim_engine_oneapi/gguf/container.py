"""The container format of GGUF: fields and tensors of one file.

Source: ggml, `docs/gguf.md`. The reader of the `gguf` package makes several numpy arrays per element of an array, which
takes seconds for the fields of a large vocabulary.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGML_QUANT_SIZES
from gguf import GGMLQuantizationType as Kind

_NUMBERS = dict(enumerate(("B", "b", "H", "h", "I", "i", "f", "?"))) | {10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_TYPES = {Kind.F32: np.float32, Kind.F16: np.float16}


@dataclass(frozen=True)
class GgufTensor:
    """A tensor whose data is mapped from the file, not read."""

    name: str
    kind: Kind
    shape: tuple[int, ...]
    """As in numpy, rows first: ggml's order turned round."""
    data: npt.NDArray[np.generic]
    """`shape` of f32 or f16 for these kinds; else bytes, the last axis being the bytes of a row."""


@dataclass(frozen=True)
class GgufFile:
    fields: dict[str, Any]
    tensors: dict[str, GgufTensor]


def read_file(path: Path) -> GgufFile:
    """The fields and tensors of a file. Raises ValueError for a truncated or damaged file, and for another format."""
    data: npt.NDArray[np.uint8] = np.memmap(path, np.uint8, "r")
    cursor = _Cursor(data.data)
    try:
        if bytes(data[:4]) != b"GGUF":
            raise ValueError("it does not begin with GGUF")
        cursor.at = 4
        version = cursor.number("I")
        if version not in (2, 3):
            raise ValueError(f"it has the version {version} or the byte order of another machine")
        tensors, fields = cursor.number("Q"), cursor.number("Q")
        values = {cursor.string(): cursor.value(cursor.number("I")) for _ in range(fields)}
        entries = [cursor.tensor() for _ in range(tensors)]
    except (struct.error, UnicodeDecodeError, KeyError) as error:
        raise ValueError(f"its header is cut off or damaged ({error})") from error
    alignment = int(values.get("general.alignment", 32))
    start = -(-cursor.at // alignment) * alignment
    return GgufFile(values, {name: _tensor(data, start + at, name, kind, shape) for name, kind, shape, at in entries})


class _Cursor:
    def __init__(self, view: memoryview):
        self.view, self.at = view, 0

    def number(self, kind: str) -> Any:
        (value,) = struct.unpack_from("<" + kind, self.view, self.at)
        self.at += struct.calcsize("<" + kind)
        return value

    def string(self) -> str:
        size = self.number("Q")
        end = self.at + size
        if end > len(self.view):
            raise ValueError("it is cut off inside its header")
        text = str(self.view[self.at : end], "utf-8")
        self.at = end
        return text

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        if kind != _ARRAY:
            return self.number(_NUMBERS[kind])
        inner, count = self.number("I"), self.number("Q")
        if inner in _NUMBERS:
            numbers = struct.unpack_from(f"<{count}{_NUMBERS[inner]}", self.view, self.at)
            self.at += struct.calcsize(f"<{count}{_NUMBERS[inner]}")
            return list(numbers)
        read: Callable[[], Any] = self.string if inner == _STRING else lambda: self.value(inner)
        return [read() for _ in range(count)]

    def tensor(self) -> tuple[str, int, tuple[int, ...], int]:
        name = self.string()
        shape = tuple(self.number("Q") for _ in range(self.number("I")))
        return name, self.number("I"), shape[::-1], self.number("Q")


def _tensor(data: npt.NDArray[np.uint8], start: int, name: str, number: int, shape: tuple[int, ...]) -> GgufTensor:
    try:
        kind = Kind(number)
    except ValueError:
        raise ValueError(f"tensor {name} has the unknown kind {number}") from None
    block, size = GGML_QUANT_SIZES[kind]
    if not shape or shape[-1] % block:
        raise ValueError(f"tensor {name} has rows of {shape[-1:]} weights, its kind {kind.name} has blocks of {block}")
    rows = (*shape[:-1], shape[-1] // block * size)
    end = start + int(np.prod(rows))
    if end > len(data):
        raise ValueError(f"it has {len(data)} bytes, and tensor {name} ends at {end}: it is cut off")
    part: npt.NDArray[Any] = data[start:end]
    return GgufTensor(
        name, kind, shape, part.view(_TYPES[kind]).reshape(shape) if kind in _TYPES else part.reshape(rows)
    )
