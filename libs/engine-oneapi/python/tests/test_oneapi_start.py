"""The checks of a worker before native code reads a file."""

from pathlib import Path
from typing import Any

import pytest
from xim_engine_oneapi.runtime import best_isa
from xim_engine_oneapi.weights import find_weights, weight_bytes
from xim_worker import Context, Plan, StartError


def to_context(folder: Path, size: int | None = None) -> Context:
    files = [] if size is None else [{"path": "m.gguf", "size": size}]
    model: dict[str, Any] = {"artifacts": {"a": {"files": files}}}
    plan = Plan(threads=1, slots=1, kv_cache_bytes=0, batch_tokens=1)
    return Context(model, str(folder), {}, plan, 0, lambda step, fraction: None)


def test_a_file_of_the_right_size_is_taken(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"12345")
    assert find_weights(to_context(tmp_path, 5), ".gguf") == tmp_path / "m.gguf"
    assert find_weights(to_context(tmp_path), ".gguf") == tmp_path / "m.gguf"


def test_a_file_that_was_cut_is_damaged_for_good(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"1234")
    with pytest.raises(StartError, match=r"m\.gguf has 4 bytes, models\.json says 5") as error:
        find_weights(to_context(tmp_path, 5), ".gguf")
    assert error.value.permanent


@pytest.mark.parametrize("names", [[], ["a.gguf", "b.gguf"], ["model.onnx"]])
def test_one_file_is_expected(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(StartError, match=r"expected one \.gguf file"):
        find_weights(to_context(tmp_path), ".gguf")


def test_of_several_files_the_one_that_is_named_is_taken(tmp_path: Path) -> None:
    for name in ("a.gguf", "m.gguf"):
        (tmp_path / name).write_bytes(b"12345")
    assert find_weights(to_context(tmp_path, 5), ".gguf") == tmp_path / "m.gguf"


def test_a_split_file_is_its_first_part(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"m-0000{number}-of-00003.gguf").write_bytes(b"1")
    first = find_weights(to_context(tmp_path), ".gguf")
    assert first == tmp_path / "m-00001-of-00003.gguf"
    assert weight_bytes(first) == 3


def test_a_later_part_that_was_cut_is_damaged_for_good(tmp_path: Path) -> None:
    context = to_context(tmp_path)
    for number in (1, 2):
        (tmp_path / f"m-0000{number}-of-00002.gguf").write_bytes(b"1")
    context.model["artifacts"]["a"]["files"] = [{"path": "m-00002-of-00002.gguf", "size": 2}]
    with pytest.raises(StartError, match=r"m-00002-of-00002\.gguf has 1 bytes, models\.json says 2") as error:
        find_weights(context, ".gguf")
    assert error.value.permanent


@pytest.mark.parametrize(
    ("kernels", "isa"),
    [
        # Recorded from one model on one host, with the hints bf16, f32 and f16.
        (["unknown_f32", "brgemm_avx512_amx_bf16", "jit_avx512_f32"], "amx_bf16"),
        (["brgemm_avx512_f32", "jit_avx512_f32", "ref_i32"], "avx512f"),
        (["brgemm_avx512_f16", "jit_avx512_f16"], "avx512f"),
        (["brgemm_avx512_amx_I8"], "amx_int8"),
        (["gemm_mlas_f32", "jit_avx2_f32"], "avx2"),
        (["brgemm_avx2_vnni_f32", "jit_avx2_f32"], "avx_vnni"),
        (["unknown_f32", ""], "none"),
    ],
)
def test_the_instruction_set_is_that_of_the_kernels(kernels: list[str], isa: str) -> None:
    assert best_isa(kernels) == isa
