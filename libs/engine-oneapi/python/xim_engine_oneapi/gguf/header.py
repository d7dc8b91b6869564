"""The header of a GGUF file: the fields for the graph, and whether the graph can be built."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gguf import GGMLQuantizationType as Kind
from xim_worker import StartError

from .container import GgufFile, GgufTensor, read_file
from .families import FAMILIES, REASONS, Family

UNREADABLE = {Kind.I8, Kind.I16, Kind.I32, Kind.I64, Kind.F64}
"""Kinds that are no weights of a language model."""

TABLE = "token_embd.weight"
NAMES = re.compile(
    r"token_embd\.weight|output_norm\.weight|output\.weight|rope_(freqs|factors_long|factors_short)\.weight"
    r"|blk\.\d+\.((attn|ffn|post_attention|post_ffw|attn_q|attn_k)_norm\.weight"
    r"|(attn_(q|k|v|qkv|output)|ffn_(gate|up|down))\.(weight|bias)|ffn_(gate_inp|(gate|up|down)_exps)\.weight)"
)
"""The tensors that the graph has a place for."""


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
    experts: int = 0
    """Experts that a token is computed by; 0: the feed-forward block has none."""


@dataclass(frozen=True)
class GgufHeader:
    """The facts that a GGUF file, with all its parts, states about a model."""

    path: Path
    architecture: str
    family: Family
    shape: Shape
    kinds: tuple[str, ...]
    """The quantisation kinds of its tensors, as ggml names them, sorted."""
    parts: tuple[GgufFile, ...]

    def field(self, key: str, default: Any = None) -> Any:
        """A field of the file; `{arch}` in the key is the architecture."""
        return self.parts[0].fields.get(key.replace("{arch}", self.architecture), default)

    @cached_property
    def tensors(self) -> dict[str, GgufTensor]:
        """The tensors of all parts by name."""
        return {name: tensor for part in self.parts for name, tensor in part.tensors.items()}


def read_header(path: Path) -> GgufHeader:
    """The header of a GGUF file, or of the parts of a split file by its first part.

    Raises StartError, permanent, for a file that cannot be read, an architecture or a kind that is not supported.
    """
    parts = tuple(_open(part) for part in _parts(path))
    architecture = str(parts[0].fields.get("general.architecture", ""))
    family = FAMILIES.get(architecture)
    if family is None:
        reason = f" ({REASONS[architecture]})" if architecture in REASONS else ""
        raise _refused(
            path, f"architecture {architecture!r} is not supported{reason}; supported: {', '.join(FAMILIES)}"
        )
    header = GgufHeader(path, architecture, family, _shape(path, parts, architecture), _kinds(path, parts), parts)
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


def _open(path: Path) -> GgufFile:
    try:
        return read_file(path)
    except ValueError as error:
        raise _refused(path, f"is no whole GGUF file of version 2 or 3: {error}; fetch it again") from error


def _shape(path: Path, parts: Sequence[GgufFile], architecture: str) -> Shape:
    def size(key: str, default: int | None = None) -> int:
        value = parts[0].fields.get(f"{architecture}.{key}", default)
        if isinstance(value, Sequence) and value and len(set(value)) == 1:
            value = value[0]
        if not isinstance(value, int):
            raise _refused(path, f"{architecture}.{key} is {value!r}; one number for all layers is supported")
        return value

    table = next((part.tensors[TABLE] for part in parts if TABLE in part.tensors), None)
    if table is None:
        raise _refused(path, f"has no tensor {TABLE}; it is not a language model")
    heads, hidden = size("attention.head_count"), size("embedding_length")
    head_size = size("attention.key_length", hidden // heads)
    if size("attention.value_length", head_size) != head_size:
        raise _refused(path, "keys and values of different sizes are not supported")
    return Shape(
        layers=size("block_count"),
        hidden=hidden,
        heads=heads,
        kv_heads=size("attention.head_count_kv", heads),
        head_size=head_size,
        rotated=size("rope.dimension_count", head_size),
        context=size("context_length"),
        vocabulary=table.shape[0],
        experts=size("expert_used_count", 0),
    )


def _kinds(path: Path, parts: Sequence[GgufFile]) -> tuple[str, ...]:
    kinds = {tensor.kind for part in parts for tensor in part.tensors.values()}
    refused = sorted(kind.name for kind in kinds & UNREADABLE)
    if refused:
        raise _refused(
            path, f"tensors of kind {', '.join(refused)} are not supported; F32, F16, BF16 and ggml's Q, IQ are"
        )
    return tuple(sorted(kind.name for kind in kinds))


def _check(header: GgufHeader) -> None:
    """Refuses features that the graph does not have, instead of computing another model."""
    unknown = sorted(name for name in header.tensors if not NAMES.fullmatch(name))
    if unknown:
        raise _refused(header.path, f"{len(unknown)} tensors have no place in the graph, such as {unknown[0]}")
    missing = [name for name in _required(header) if name not in header.tensors]
    if missing:
        raise _refused(header.path, f"{len(missing)} tensors are missing, such as {missing[0]}; fetch the file again")
    softcap = header.field("{arch}.attn_logit_softcapping", 0.0)
    if softcap:
        raise _refused(header.path, f"a soft cap of attention scores ({softcap:g}) is not supported")
    if header.shape.experts and not header.family.experts:
        raise _refused(header.path, "a mixture of experts is not supported; choose a dense model")
    gate, scale = header.field("{arch}.expert_gating_func", 1), header.field("{arch}.expert_weights_scale", 1.0)
    if gate != 1 or scale not in (0, 1):
        raise _refused(header.path, "its experts are not chosen by a softmax of their scores; choose another model")
    halves = {tensor.kind.name for name, tensor in header.tensors.items() if "_exps." in name} & {"F16", "BF16"}
    if halves:
        raise _refused(
            header.path,
            f"experts of kind {' and '.join(halves)} would be unpacked into twice the memory; choose a quantised file",
        )
    scaling = header.field("{arch}.rope.scaling.type", "none")
    if scaling not in ("none", "linear", "yarn", "longrope"):
        raise _refused(header.path, f"rope scaling {scaling!r} is not supported; none, linear, yarn and longrope are")


def _required(header: GgufHeader) -> list[str]:
    names = ["output_norm.weight"]
    for layer in range(header.shape.layers):
        block = f"blk.{layer}."
        parts = ["attn_norm", "attn_output", "ffn_norm"]
        parts += ["attn_qkv"] if f"{block}attn_qkv.weight" in header.tensors else ["attn_q", "attn_k", "attn_v"]
        up = header.tensors.get(f"{block}ffn_up.weight")
        if header.shape.experts:
            parts += ["ffn_gate_inp", "ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"]
        else:
            parts += ["ffn_up", "ffn_down"]
            if up is not None and up.shape[0] == header.field("{arch}.feed_forward_length"):
                parts.append("ffn_gate")  # else both are in one tensor
        names += [f"{block}{part}.weight" for part in parts]
    return names


def _refused(path: Path, reason: str) -> StartError:
    return StartError(f"{path.name}: {reason}", permanent=True)
