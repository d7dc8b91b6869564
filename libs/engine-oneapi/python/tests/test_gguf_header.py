"""Headers of GGUF files: their fields, and the refused files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from gguf_files import CONTEXT, HEAD, HEADS, HIDDEN, KV_HEADS, LAYERS, VOCABULARY, write_model
from xim_engine_oneapi.gguf import read_header
from xim_engine_oneapi.gguf.header import Shape
from xim_worker import StartError


def test_shape_and_kinds(tmp_path: Path) -> None:
    header = read_header(write_model(tmp_path / "model.gguf", kind=Kind.Q4_K))
    assert header.architecture == "llama"
    assert header.shape == Shape(LAYERS, HIDDEN, HEADS, KV_HEADS, HEAD, HEAD, CONTEXT, VOCABULARY)
    assert header.kinds == ("F32", "Q4_K")


@pytest.mark.parametrize(
    ("architecture", "options", "message"),
    [
        ("gemma2", {}, r"'gemma2' is not supported \(its attention scores have a soft cap"),
        ("mamba", {}, "'mamba' is not supported; supported: llama, qwen2"),
        ("granite", {"experts": 8}, "a mixture of experts is not supported"),
        ("qwen3moe", {"experts": 8, "fields": {"expert_gating_func": 2}}, "not chosen by a softmax"),
        ("llama", {"fields": {"rope.scaling.type": "dynamic"}}, "rope scaling 'dynamic' is not supported"),
        ("llama", {"fields": {"attn_logit_softcapping": 30.0}}, r"a soft cap of attention scores \(30\)"),
        ("llama", {"fields": {"attention.value_length": 32}}, "keys and values of different sizes"),
        ("llama", {"extra": {"blk.0.attn_sinks.weight": np.zeros(4, np.float32)}}, "such as blk.0.attn_sinks.weight"),
    ],
)
def test_refused_by_name(tmp_path: Path, architecture: str, options: dict[str, Any], message: str) -> None:
    path = write_model(tmp_path / "model.gguf", architecture, **options)
    with pytest.raises(StartError, match=message) as raised:
        read_header(path)
    assert raised.value.permanent


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.5, 0.999])
def test_a_cut_file_is_refused(tmp_path: Path, share: float) -> None:
    path = write_model(tmp_path / "model.gguf")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(StartError, match=r"model\.gguf: is no whole GGUF file"):
        read_header(path)


def test_missing_tensors_are_named(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.gguf", fields={"block_count": LAYERS + 1})
    with pytest.raises(StartError, match=rf"8 tensors are missing, such as blk\.{LAYERS}\.attn_norm\.weight"):
        read_header(path)


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model-00001-of-00002.gguf")
    with pytest.raises(StartError, match=r"model-00002-of-00002\.gguf is not beside it"):
        read_header(path)
