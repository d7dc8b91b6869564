"""The header of a GGUF file: what the graph is built from, and whether it can be built."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gguf import GGMLQuantizationType as Kind
from gguf import GGUFReader, ReaderTensor
from xim_worker import StartError

from .families import FAMILIES, Family

UNREADABLE = {Kind.I8, Kind.I16, Kind.I32, Kind.I64, Kind.F64}
"""Kinds that are no weights of a language model."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a decoder."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    rotated: int
    """Elements of a head that the rotary embedding turns."""
    context: int
    vocabulary: int


@dataclass(frozen=True)
class GgufHeader:
    """What a GGUF file says about a model, over all its parts."""

    path: Path
    architecture: str
    family: Family
    shape: Shape
    kinds: tuple[str, ...]
    """The quantisation kinds of its tensors, as ggml names them, sorted."""
    readers: tuple[GGUFReader, ...]

    def field(self, key: str, default: Any = None) -> Any:
        """A field of the file; `{arch}` in the key is the architecture."""
        return _field(self.readers[0], key.replace("{arch}", self.architecture), default)

    @cached_property
    def tensors(self) -> dict[str, ReaderTensor]:
        """The tensors by name. Their data is mapped from the file, not read."""
        return {tensor.name: tensor for reader in self.readers for tensor in reader.tensors}


def read_header(path: Path) -> GgufHeader:
    """The header of a GGUF file, or of the parts of a split file by its first part.

    Raises StartError, permanent, for a file that cannot be read, an architecture or a kind that is not supported.
    """
    readers = tuple(_open(part) for part in _parts(path))
    first = readers[0]
    architecture = str(_field(first, "general.architecture", ""))
    family = FAMILIES.get(architecture)
    if family is None:
        raise _refused(path, f"architecture {architecture!r} is not supported; supported: {', '.join(FAMILIES)}")
    header = GgufHeader(path, architecture, family, _shape(path, first, architecture), _kinds(path, readers), readers)
    _check(header)
    return header


def _parts(path: Path) -> list[Path]:
    match = re.fullmatch(r"(.*)-(\d{5})-of-(\d{5})\.gguf", path.name)
    if not match:
        return [path]
    stem, count = match[1], match[3]
    parts = [path.with_name(f"{stem}-{number:05}-of-{count}.gguf") for number in range(1, int(count) + 1)]
    missing = [part.name for part in parts if not part.exists()]
    if missing:
        raise _refused(
            path, f"is one of {int(count)} parts, and {', '.join(missing)} is not beside it; fetch all parts"
        )
    return parts


def _open(path: Path) -> GGUFReader:
    try:
        return GGUFReader(path)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise _refused(path, f"is damaged or no GGUF file of version 2 or 3 ({error}); fetch it again") from error


def _field(reader: GGUFReader, key: str, default: Any) -> Any:
    field = reader.get_field(key)
    return default if field is None else field.contents()


def _shape(path: Path, reader: GGUFReader, architecture: str) -> Shape:
    def size(key: str, default: int | None = None) -> int:
        value = _field(reader, f"{architecture}.{key}", default)
        if isinstance(value, Sequence) and value and len(set(value)) == 1:
            value = value[0]
        if not isinstance(value, int):
            raise _refused(path, f"{architecture}.{key} is {value!r}; one number for all layers is supported")
        return value

    heads, hidden = size("attention.head_count"), size("embedding_length")
    head_size = size("attention.key_length", hidden // heads)
    if size("attention.value_length", head_size) != head_size:
        raise _refused(path, "keys and values of different sizes are not supported")
    table = next((tensor for tensor in reader.tensors if tensor.name == "token_embd.weight"), None)
    if table is None:
        raise _refused(path, "has no tensor token_embd.weight in its first part; it is not a language model")
    return Shape(
        layers=size("block_count"),
        hidden=hidden,
        heads=heads,
        kv_heads=size("attention.head_count_kv", heads),
        head_size=head_size,
        rotated=size("rope.dimension_count", head_size),
        context=size("context_length"),
        vocabulary=int(table.shape[1]),
    )


def _kinds(path: Path, readers: Sequence[GGUFReader]) -> tuple[str, ...]:
    kinds = {tensor.tensor_type for reader in readers for tensor in reader.tensors}
    refused = sorted(kind.name for kind in kinds & UNREADABLE)
    if refused:
        raise _refused(
            path, f"tensors of kind {', '.join(refused)} are not supported; F32, F16, BF16 and ggml's Q, IQ are"
        )
    return tuple(sorted(kind.name for kind in kinds))


def _check(header: GgufHeader) -> None:
    """Refuses what the graph does not have, instead of computing another model."""
    softcap = header.field("{arch}.attn_logit_softcapping", 0.0)
    if softcap:
        raise _refused(header.path, f"a soft cap of attention scores ({softcap:g}) is not supported; gemma3 has none")
    if header.field("{arch}.expert_count", 0):
        raise _refused(header.path, "a mixture of experts is not supported; choose a dense model")
    scaling = header.field("{arch}.rope.scaling.type", "none")
    if scaling not in ("none", "linear", "yarn", "longrope"):
        raise _refused(header.path, f"rope scaling {scaling!r} is not supported; none, linear, yarn and longrope are")


def _refused(path: Path, reason: str) -> StartError:
    return StartError(f"{path.name}: {reason}", permanent=True)
