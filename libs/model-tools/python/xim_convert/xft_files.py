"""The files of a converted model, and the tensors that each of them is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open

from .errors import ConvertError
from .xft_kinds import Config, Kind, sizes_of


class File(NamedTuple):
    name: str
    tensors: tuple[str, ...]
    """Joined along the first dimension."""
    turned: bool = False
    """Whether a matrix is transposed."""
    normalised: bool = False
    """Whether each row is divided by its length."""
    dtype: str | None = None
    """Of the numbers, where it is not that of the conversion."""


def expected_files(kind: Kind, config: Config, weights: str, names: set[str]) -> list[File]:
    """`names`: those of the source's tensors."""
    layers = sizes_of(config).layers
    if kind.name.startswith("chatglm"):
        return [*_files_of_chatglm(layers, bool(config.get("add_qkv_bias")))]
    if kind.name.startswith("baichuan"):
        return [*_files_of_baichuan(layers, kind.name == "baichuan2")]
    if kind.name == "deepseek_v3":
        files = _files_of_deepseek(config, layers)
        return [*files] if weights == "bf16" else [*_with_scales(files)]
    return [*_files_of_llama(kind.name, layers, "lm_head.weight" not in names)]


def _ends(embedding: str, norm: str, head: str, normalised: bool = False) -> Iterator[File]:
    yield File("model.wte.bin", (embedding,))
    yield File("model.final_layernorm.weight.bin", (norm,))
    yield File("model.lm_head.weight.bin", (head,), normalised=normalised)


def _files_of_llama(kind: str, layers: int, tied: bool) -> Iterator[File]:
    embedding = "model.embed_tokens.weight"
    yield from _ends(embedding, "model.norm.weight", embedding if tied else "lm_head.weight")
    for layer in range(layers):
        block = f"model.layers.{layer}."
        attention = f"{block}attention."

        def joined(name: str, block: str = block) -> tuple[str, ...]:
            return tuple(f"{block}self_attn.{part}_proj.{name}" for part in "qkv")

        yield from _norms(block, block)
        yield File(f"{attention}query_key_value.weight.0.bin", joined("weight"), True)
        if kind == "qwen2":
            yield File(f"{attention}query_key_value.bias.0.bin", joined("bias"))
        if kind == "qwen3":
            for norm in ("q_norm", "k_norm"):
                yield File(f"{attention}{norm}.weight.bin", (f"{block}self_attn.{norm}.weight",))
        yield File(f"{attention}dense.weight.0.bin", (f"{block}self_attn.o_proj.weight",), True)
        yield from _gated(f"{block}mlp.", ".0.bin")


def _norms(target: str, source: str) -> Iterator[File]:
    for norm in ("input_layernorm.weight", "post_attention_layernorm.weight"):
        yield File(f"{target}{norm}.bin", (f"{source}{norm}",))


def _gated(block: str, ending: str) -> Iterator[File]:
    for part in ("gate", "up", "down"):
        yield File(f"{block}{part}_proj.weight{ending}", (f"{block}{part}_proj.weight",), True)


def _files_of_chatglm(layers: int, has_bias: bool) -> Iterator[File]:
    of = "transformer."
    yield from _ends(
        f"{of}embedding.word_embeddings.weight", f"{of}encoder.final_layernorm.weight", f"{of}output_layer.weight"
    )
    for layer in range(layers):
        block, source = f"model.layers.{layer}.", f"{of}encoder.layers.{layer}."
        yield from _norms(block, source)
        # Query, key and value are one matrix in the source.
        joined = "query_key_value"
        yield File(f"{block}attention.{joined}.weight.0.bin", (f"{source}self_attention.{joined}.weight",), True)
        if has_bias:
            yield File(f"{block}attention.{joined}.bias.0.bin", (f"{source}self_attention.{joined}.bias",))
        yield File(f"{block}attention.dense.weight.0.bin", (f"{source}self_attention.dense.weight",), True)
        for part in ("dense_h_to_4h", "dense_4h_to_h"):
            yield File(f"{block}mlp.{part}.weight.0.bin", (f"{source}mlp.{part}.weight",), True)


def _files_of_baichuan(layers: int, normalised: bool) -> Iterator[File]:
    yield from _ends("model.embed_tokens.weight", "model.norm.weight", "lm_head.weight", normalised)
    for layer in range(layers):
        block = f"model.layers.{layer}."
        yield from _norms(block, block)
        yield File(f"{block}attention.query_key_value.weight.0.bin", (f"{block}self_attn.W_pack.weight",), True)
        yield File(f"{block}attention.dense.weight.0.bin", (f"{block}self_attn.o_proj.weight",), True)
        yield from _gated(f"{block}mlp.", ".0.bin")


def _files_of_deepseek(config: Config, layers: int) -> Iterator[File]:
    yield from _ends("model.embed_tokens.weight", "model.norm.weight", "lm_head.weight")
    for layer in range(layers):
        block = f"model.layers.{layer}."
        yield from _norms(block, block)
        for norm in ("q_a_layernorm.weight", "kv_a_layernorm.weight"):
            yield File(f"{block}self_attn.{norm}.bin", (f"{block}self_attn.{norm}",))
        for part in ("q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj"):
            name = f"{block}self_attn.{part}.weight"
            yield File(f"{name}.bin", (name,), True)
        yield File(f"{block}attention.dense.weight.bin", (f"{block}self_attn.o_proj.weight",), True)
        if layer < config["first_k_dense_replace"]:
            yield from _gated(f"{block}mlp.", ".bin")
            continue
        gate, bias = f"{block}mlp.gate.weight", f"{block}mlp.gate.e_score_correction_bias"
        yield File(f"{gate}.bin", (gate,), True)
        yield File(f"{bias}.bin", (bias,))
        yield from _gated(f"{block}mlp.shared_experts.", ".bin")
        for expert in range(config["n_routed_experts"]):
            yield from _gated(f"{block}mlp.experts.{expert}.", ".bin")


def _with_scales(files: Iterator[File]) -> Iterator[File]:
    """Of a model in FP8: matrices have a file of scales each; all else and the router are bf16."""
    for file in files:
        if not file.turned or file.name.endswith(".mlp.gate.weight.bin"):
            yield file._replace(dtype="bf16")
            continue
        yield file
        scales = tuple(f"{name}_scale_inv" for name in file.tensors)
        yield file._replace(name=file.name.replace(".bin", "_scale_inv.bin"), tensors=scales, dtype="fp32")


def is_read(name: str, layers: int) -> bool:
    """Whether a tensor is one of the network's: not of layers that predict further tokens, and not computed anew."""
    layer = re.search(r"\.layers\.(\d+)\.", name)
    return (layer is None or int(layer[1]) < layers) and not re.search(r"rotary(_pos)?_emb\.inv_freq$", name)


def expect_tensors(files: list[File], config: Config, tensors: SafeTensors) -> None:
    """Raises ConvertError for a tensor that is missing, that no file has, or that has not the vocabulary's size."""
    sizes = sizes_of(config)
    used = {name for file in files for name in file.tensors}
    lacking = sorted(used - tensors.names)
    if lacking:
        raise ConvertError(f"the model lacks the tensor {lacking[0]}")
    surplus = sorted(name for name in tensors.names - used if is_read(name, sizes.layers))
    if surplus:
        raise ConvertError(f"the model has the tensor {surplus[0]}, which the converter leaves out")
    for file in files:
        if file.name in ("model.wte.bin", "model.lm_head.weight.bin"):
            shape = tensors.shape(file.tensors[0])
            if shape != [sizes.vocabulary, config["hidden_size"]]:
                expected = f"{sizes.vocabulary} x {config['hidden_size']}"
                raise ConvertError(f"{file.tensors[0]} has the shape {shape}; config.json says {expected}")


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

    def shape(self, name: str) -> list[int]:
        shape: list[int] = self._places[name].get_slice(name).get_shape()
        return shape

    def __call__(self, name: str) -> torch.Tensor:
        tensor: torch.Tensor = self._places[name].get_tensor(name)
        return tensor

    def __enter__(self) -> SafeTensors:
        return self

    def __exit__(self, *_: object) -> None:
        self._places.clear()
        self._files.clear()
