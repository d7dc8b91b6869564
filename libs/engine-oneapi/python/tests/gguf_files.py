"""Tiny random GGUF files for tests, one per architecture and quantisation kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gguf import GGML_QUANT_SIZES, GGUFWriter, TokenType
from gguf import GGMLQuantizationType as Kind
from gguf.quants import dequantize

Data: TypeAlias = "npt.NDArray[np.generic]"

LAYERS, HIDDEN, HEADS, KV_HEADS, HEAD, INNER, VOCABULARY, CONTEXT = 3, 256, 4, 2, 64, 512, 160, 256

SCALES_AT = {Kind.Q2_K: (80, 82), Kind.Q3_K: (108,), Kind.Q6_K: (208,), Kind.TQ1_0: (52,), Kind.TQ2_0: (64,)}
"""Where a block has its f16 scales, for kinds that do not begin with one."""
TWO_SCALES = {Kind.Q4_1, Kind.Q5_1, Kind.Q4_K, Kind.Q5_K}


def random_tensor(rng: np.random.Generator, kind: Kind, rows: int, columns: int) -> Data:
    """Random weights of a kind with a standard deviation near `1 / sqrt(columns)`: its bytes, or floats for F32."""
    deviation = columns**-0.5
    floats: npt.NDArray[np.float32] = (rng.standard_normal((rows, columns)) * deviation).astype(np.float32)
    if kind == Kind.F32:
        return floats
    if kind == Kind.F16:
        return floats.astype(np.float16)
    if kind == Kind.BF16:
        upper: Data = (floats.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
        return upper
    block, size = GGML_QUANT_SIZES[kind]
    data = rng.integers(0, 256, (rows, columns // block, size)).astype(np.uint8)
    if kind == Kind.MXFP4:  # a power of two in the first byte
        data[..., 0] = 121
        return data.reshape(rows, -1)
    if kind == Kind.IQ1_M:  # the four upper bits of each of four words are the f16 scale
        words = data[..., 48:56].view(np.uint16)
        bits = int(np.array(deviation / 16, np.float16).view(np.uint16))
        words[:] = words & 0x0FFF | np.array([(bits >> 4 * n & 15) << 12 for n in range(4)], np.uint16)
        return data.reshape(rows, -1)
    places = SCALES_AT.get(kind, (0, 2) if kind in TWO_SCALES else (0,))
    # The second scale of a block scales its minimum.
    minimum_sign = -1 if kind in (Kind.Q4_1, Kind.Q5_1) else 1
    _write_scales(data, places, rng, 1.0, minimum_sign)
    spread = float(np.std(dequantize(data.reshape(rows, -1), kind)))
    _write_scales(data, places, rng, deviation / spread, minimum_sign)
    return data.reshape(rows, -1)


def _write_scales(
    data: npt.NDArray[np.uint8], places: tuple[int, ...], rng: np.random.Generator, size: float, sign: int
) -> None:
    for number, place in enumerate(places):
        scales = (rng.random(data.shape[:2]) * 0.5 + 0.75) * size * (sign * 7 if number and sign < 0 else 1)
        data[..., place : place + 2] = scales.astype(np.float16).view(np.uint8).reshape(*data.shape[:2], 2)


def write_model(
    path: Path,
    architecture: str = "llama",
    kind: Kind = Kind.F32,
    fields: dict[str, Any] | None = None,
    *,
    extra: dict[str, npt.NDArray[np.float32]] | None = None,
    layers: int = LAYERS,
    tied: bool = True,
    fused: bool = False,
    biases: bool = False,
    head_norms: bool = False,
    after_norms: bool = False,
    tokenizer: Callable[[GGUFWriter], None] | None = None,
    part_tensors: int = 0,
    experts: int = 0,
) -> Path:
    """Writes a random decoder. `fields`: more fields, named without the architecture; `extra`: more tensors.

    `experts`: of each feed-forward block, of which a token has two; 0: the block is one network.

    `part_tensors`: most tensors of a part, 0: a single file. Returns the file, or the first part.
    """
    rng = np.random.default_rng(7)
    writer = GGUFWriter(path, architecture, split_max_tensors=part_tensors)
    sizes = {
        "block_count": layers,
        "context_length": CONTEXT,
        "embedding_length": HIDDEN,
        "feed_forward_length": INNER,
        "attention.head_count": HEADS,
        "attention.head_count_kv": KV_HEADS,
        "attention.key_length": HEAD,
        "attention.value_length": HEAD,
    }
    numbers = {"attention.layer_norm_rms_epsilon": 1e-5, "rope.freq_base": 10000.0}
    for name, value in {**sizes, **numbers, **(fields or {})}.items():
        add = {int: writer.add_uint32, float: writer.add_float32, str: writer.add_string, bool: writer.add_bool}
        add[type(value)](f"{architecture}.{name}", value)

    if experts:
        writer.add_expert_count(experts)
        writer.add_expert_used_count(2)
    if tokenizer:
        tokenizer(writer)

    def add_matrix(name: str, rows: int, columns: int) -> None:
        data = random_tensor(rng, kind, rows, columns)
        writer.add_tensor(f"{name}.weight", data, raw_dtype=kind)
        if biases and "attn_" in name:
            writer.add_tensor(f"{name}.bias", (rng.standard_normal(rows) * 0.3).astype(np.float32))

    def add_experts(name: str, rows: int, columns: int) -> None:
        data = random_tensor(rng, kind, experts * rows, columns)
        writer.add_tensor(f"{name}_exps.weight", data.reshape(experts, rows, -1), raw_dtype=kind)

    def add_norm(name: str, size: int) -> None:
        writer.add_tensor(f"{name}.weight", (1 + rng.standard_normal(size) * 0.2).astype(np.float32))

    add_matrix("token_embd", VOCABULARY, HIDDEN)
    add_norm("output_norm", HIDDEN)
    if not tied:
        add_matrix("output", VOCABULARY, HIDDEN)
    for layer in range(layers):
        block = f"blk.{layer}."
        add_norm(block + "attn_norm", HIDDEN)
        add_norm(block + "ffn_norm", HIDDEN)
        if fused:
            add_matrix(block + "attn_qkv", (HEADS + 2 * KV_HEADS) * HEAD, HIDDEN)
            add_matrix(block + "ffn_up", 2 * INNER, HIDDEN)
        else:
            for part, heads in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)):
                add_matrix(f"{block}attn_{part}", heads * HEAD, HIDDEN)
        if experts:
            router = rng.standard_normal((experts, HIDDEN)) * 4 * HIDDEN**-0.5
            writer.add_tensor(block + "ffn_gate_inp.weight", router.astype(np.float32))
            for part, (rows, columns) in {
                "gate": (INNER, HIDDEN),
                "up": (INNER, HIDDEN),
                "down": (HIDDEN, INNER),
            }.items():
                add_experts(f"{block}ffn_{part}", rows, columns)
        elif not fused:
            add_matrix(block + "ffn_gate", INNER, HIDDEN)
            add_matrix(block + "ffn_up", INNER, HIDDEN)
        add_matrix(block + "attn_output", HIDDEN, HEADS * HEAD)
        if not experts:
            add_matrix(block + "ffn_down", HIDDEN, INNER)
        if head_norms:
            add_norm(block + "attn_q_norm", HEAD)
            add_norm(block + "attn_k_norm", HEAD)
        if after_norms:
            add_norm(block + "post_attention_norm", HIDDEN)
            add_norm(block + "post_ffw_norm", HIDDEN)
    for name, values in (extra or {}).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return min(path.parent.glob(f"{path.stem}-00001-of-*.gguf")) if part_tensors else path


def add_tokenizer(
    writer: GGUFWriter,
    model: str,
    tokens: list[str],
    kinds: list[TokenType],
    pre: str | None,
    merges: list[str] | None,
    scores: list[float] | None,
    fields: dict[str, Any],
) -> None:
    """Adds a tokenizer's fields; `fields`: more of them, without `tokenizer.ggml.` in their names."""
    writer.add_tokenizer_model(model)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    if pre is not None:
        writer.add_tokenizer_pre(pre)
    if merges:
        writer.add_token_merges(merges)
    if scores is not None:
        writer.add_token_scores(scores)
    for name, value in fields.items():
        if name == "chat_template":
            writer.add_chat_template(value)
        elif isinstance(value, bool):
            writer.add_bool(f"tokenizer.ggml.{name}", value)
        else:
            writer.add_uint32(f"tokenizer.ggml.{name}", value)
