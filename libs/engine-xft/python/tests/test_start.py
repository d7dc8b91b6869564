"""What is checked before the library is in the process, and how its end in a child is told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from make_model import make_model
from xim_engine_xft.amx import request_tiles
from xim_engine_xft.generate import fit_context, kv_bytes_per_token, single_rank_environment
from xim_engine_xft.model_files import ModelFiles, read_model
from xim_engine_xft.probe import probe, to_message
from xim_worker import Context, StartError
from xim_worker.handlers import Plan

FILES = ModelFiles("llama", layers=30, kv_heads=3, head_size=64, vocabulary=49152, context_length=8192, weights="fp16")


def context(**more: Any) -> Context:
    plan = Plan(threads=1, slots=more.pop("slots", 4), kv_cache_bytes=more.pop("kv", 0), batch_tokens=512)
    return Context(
        model={"shape": {"contextLength": 8192}},
        model_path="",
        options=more,
        plan=plan,
        rank=0,
        progress=lambda *_: None,
    )


def test_the_kernel_may_refuse_amx_although_the_cpu_has_it() -> None:
    asked = []

    def syscall(*numbers: int) -> int:
        asked.append(numbers)
        return -1

    assert request_tiles(syscall) is not None
    assert request_tiles(lambda *_: 0) is None
    # arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA) of x86-64.
    assert asked == [(158, 0x1023, 18)]


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        (-4, [], r"instruction that this CPU lacks \(SIGILL, dtype bf16\).*4th generation"),
        (132, [], r"SIGILL"),
        (255, ["[INFO] x", "Must be running on the Intel Xeon platform."], r"code 255 \(Must be running.*GenuineIntel"),
        (-11, ["line"], r"SIGSEGV \(line\).*XIM_ENGINE=oneapi"),
        (-11, ['  File "a.py", line 84 in forward_cb', '  File "b.py"', "Extension modules: x"], r"84 in forward_cb\)"),
        (1, ["OSError: libnuma.so.1: cannot open"], r"code 1 \(OSError: libnuma.so.1.*requirements.lock"),
    ],
)
def test_the_end_of_a_probe_is_told(code: int, words: list[str], expected: str) -> None:
    import re

    assert re.search(expected, to_message(code, words, "bf16"))


def test_a_probe_that_ends_badly_is_a_permanent_start_error(tmp_path: Path) -> None:
    (tmp_path / "xfastertransformer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n")
    paths = [str(tmp_path), *sys.path]
    with pytest.raises(StartError, match="SIGILL") as raised:
        probe("bf16", "fp16", {"PYTHONPATH": ":".join(paths)})
    assert raised.value.permanent


def test_keys_and_values_in_bf16_are_tried_with_a_model_that_the_wheel_has(tmp_path: Path) -> None:
    lines = [
        "class AutoModel:",
        "  def from_pretrained(name, dtype, kv_cache_dtype): exit(f'Error {dtype} {kv_cache_dtype}')",
    ]
    (tmp_path / "xfastertransformer.py").write_text("\n".join(lines))
    for dtype in ("bf16", "fp8_e4m3"):
        with pytest.raises(StartError, match="Error bf16 fp16"):
            probe(dtype, "bf16", {"PYTHONPATH": ":".join([str(tmp_path), *sys.path])})


def test_a_probe_never_waits_for_other_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMI_RANK", "1")
    monkeypatch.setenv("MPI_LOCALRANKID", "1")
    found = single_rank_environment()
    assert found["SINGLE_INSTANCE"] == "1" and not any(name.startswith(("PMI", "MPI_")) for name in found)


def test_each_slot_reserves_its_share_of_the_cache() -> None:
    token = kv_bytes_per_token(FILES, "fp16")
    assert token == 2 * 30 * 3 * 64 * 2 and kv_bytes_per_token(FILES, "int8") == 2 * 30 * 3 * (64 + 4)
    assert fit_context(FILES, context()) == 8192
    assert fit_context(FILES, context(contextLength=100)) == 100
    assert fit_context(FILES, context(kv=4 * 256 * token + 5)) == 256
    with pytest.raises(StartError, match="the model takes 8192"):
        fit_context(FILES, context(contextLength=9000))
    with pytest.raises(StartError, match="lower XIM_SLOTS"):
        fit_context(FILES, context(kv=3 * token))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda folder: (folder / "config.ini").unlink(), "config.ini is missing"),
        (lambda folder: (folder / "config.ini").write_text("[llama]\nnum_layer = 2\n"), "config.ini cannot be read"),
        (lambda folder: (folder / "model.wte.bin").unlink(), "model.wte.bin is missing"),
        (lambda folder: (folder / "model.wte.bin").write_bytes(b"ab"), "has 2 bytes instead of"),
        (lambda folder: (folder / "model.layers.1.input_layernorm.weight.bin").unlink(), "layer 1 are missing"),
        (lambda folder: (folder / "model.layers.1.input_layernorm.weight.bin").write_bytes(b""), "is empty"),
        (lambda folder: (folder / "model.layers.1.input_layernorm.weight.bin").write_bytes(b"a"), "not the size"),
        (lambda folder: (folder / "model.layers.7.input_layernorm.weight.bin").write_bytes(b"a"), "beyond the 2"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(tmp_path: Path, spoil: Any, expected: str) -> None:
    make_model(tmp_path)
    assert read_model(tmp_path).layers == 2
    spoil(tmp_path)
    with pytest.raises(StartError, match=expected) as raised:
        read_model(tmp_path)
    assert raised.value.permanent


def test_a_model_of_experts_has_all_of_them_in_each_of_its_layers(tmp_path: Path) -> None:
    make_model(tmp_path)
    config = (tmp_path / "config.ini").read_text()
    (tmp_path / "config.ini").write_text(f"{config}first_k_dense_replace = 1\nsparse_experts = 2\n")
    for part in ("gate", "up", "down"):
        (tmp_path / f"model.layers.0.mlp.{part}_proj.weight.bin").write_bytes(b"ab")
        for expert in range(2):
            (tmp_path / f"model.layers.1.mlp.experts.{expert}.{part}_proj.weight.bin").write_bytes(b"ab")
    assert read_model(tmp_path).layers == 2
    (tmp_path / "model.layers.1.mlp.experts.1.up_proj.weight.bin").unlink()
    with pytest.raises(StartError, match=r"model\.layers\.1\.mlp\.experts\.1\.up_proj\.weight\.bin is missing"):
        read_model(tmp_path)
