"""Packed weights against the numbers that were packed, by loops that follow each format's description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from xim_convert.dequantize import dequantize
from xim_convert.errors import ConvertError

ROWS, COLUMNS, GROUP = 16, 64, 32
Tensors = dict[str, torch.Tensor]


def integers(bits: int, *, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 2**bits, (ROWS, COLUMNS), generator=generator)


def pack(values: torch.Tensor, bits: int, order: tuple[int, ...] | None = None) -> torch.Tensor:
    """Unsigned integers `[rows, columns]` in words of 32 bits along the columns; `order`: the column of each place."""
    each = 32 // bits
    order = order or tuple(range(each))
    words = torch.zeros(len(values), -(-values.shape[1] // each), dtype=torch.int64)
    for row in range(len(values)):
        for word in range(words.shape[1]):
            for place, column in enumerate(order):
                if word * each + column < values.shape[1]:
                    words[row, word] |= int(values[row, word * each + column]) << (bits * place)
    return torch.where(words >= 2**31, words - 2**32, words).to(torch.int32)


def scales(rows: int, columns: int) -> torch.Tensor:
    return torch.rand(rows, columns, generator=torch.Generator().manual_seed(5)) + 0.5


def spread(values: torch.Tensor) -> torch.Tensor:
    """Of each group, `[rows, groups]`, to each column."""
    return values.repeat_interleave(GROUP, 1)


def fp8() -> tuple[Tensors, Any, torch.Tensor]:
    weight = torch.randn(ROWS, COLUMNS, generator=torch.Generator().manual_seed(1)).to(torch.float8_e4m3fn)
    # Blocks of 10 x 24 do not divide the weight.
    scale = scales(2, 3)
    whole = scale.repeat_interleave(10, 0)[:ROWS].repeat_interleave(24, 1)[:, :COLUMNS]
    config = {"quant_method": "fp8", "weight_block_size": [10, 24]}
    return {"weight": weight, "weight_scale_inv": scale}, config, weight.float() * whole


def compressed(kind: str, **weights: Any) -> dict[str, Any]:
    return {"quant_method": "compressed-tensors", "format": kind, "config_groups": {"group_0": {"weights": weights}}}


def channel_fp8() -> tuple[Tensors, Any, torch.Tensor]:
    weight = torch.randn(ROWS, COLUMNS, generator=torch.Generator().manual_seed(1)).to(torch.float8_e4m3fn)
    tensors = {"weight": weight, "weight_scale": scales(ROWS, 1), "input_scale": torch.ones(1)}
    return tensors, compressed("float-quantized", num_bits=8), weight.float() * scales(ROWS, 1)


def tensor_int8() -> tuple[Tensors, Any, torch.Tensor]:
    weight = (integers(8) - 128).to(torch.int8)
    return (
        {"weight": weight, "weight_scale": torch.tensor([0.25])},
        compressed("int-quantized", num_bits=8),
        weight * 0.25,
    )


def packed(bits: int, *, zero_points: bool) -> tuple[Tensors, Any, torch.Tensor]:
    values, scale, middle = integers(bits), scales(ROWS, COLUMNS // GROUP), 2 ** (bits - 1)
    tensors = {
        "weight_packed": pack(values, bits),
        "weight_scale": scale,
        "weight_shape": torch.tensor([ROWS, COLUMNS]),
    }
    zero = torch.full_like(scale, middle)
    if zero_points:
        zero = integers(bits, seed=3)[:, : COLUMNS // GROUP].float()
        tensors["weight_zero_point"] = pack(zero.T, bits).T.contiguous()
    expected = (values - spread(zero)) * spread(scale)
    return tensors, compressed("pack-quantized", num_bits=bits), expected


def gptq(bits: int, version: str, *, mixed: bool) -> tuple[Tensors, Any, torch.Tensor]:
    values, scale = integers(bits), scales(ROWS, COLUMNS // GROUP)
    shift = 1 if version == "gptq" else 0
    zero = integers(bits, seed=3)[:, : COLUMNS // GROUP].clamp(min=shift)
    groups = torch.arange(COLUMNS) // GROUP
    if mixed:
        groups = groups.flip(0)
    expected = (values - zero[:, groups]) * scale[:, groups]
    tensors = {
        "qweight": pack(values, bits).T.contiguous(),
        "qzeros": pack((zero - shift).T, bits),
        "scales": scale.T.contiguous(),
        "g_idx": groups.to(torch.int32),
        "bias": torch.ones(ROWS),
    }
    return tensors, {"quant_method": "gptq", "bits": bits, "checkpoint_format": version}, expected


def awq() -> tuple[Tensors, Any, torch.Tensor]:
    order = (0, 2, 4, 6, 1, 3, 5, 7)
    values, scale, zero = integers(4), scales(ROWS, COLUMNS // GROUP), integers(4, seed=3)[:, : COLUMNS // GROUP]
    tensors = {
        "qweight": pack(values.T, 4, order),
        "qzeros": pack(zero.T, 4, order),
        "scales": scale.T.contiguous(),
    }
    expected = (values - spread(zero)) * spread(scale)
    return tensors, {"quant_method": "awq", "bits": 4, "version": "gemm", "group_size": GROUP}, expected


def write(folder: Path, tensors: Tensors, quantisation: Any, **config: Any) -> None:
    named = {f"model.layer.{name}": tensor for name, tensor in tensors.items()}
    save_file({**named, "model.norm.weight": torch.ones(4)}, folder / "model.safetensors")
    content = {"model_type": "llama", "dtype": "float32", **config, "quantization_config": quantisation}
    (folder / "config.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    "made",
    [
        fp8(),
        channel_fp8(),
        tensor_int8(),
        packed(4, zero_points=False),
        packed(8, zero_points=False),
        packed(4, zero_points=True),
        gptq(4, "gptq", mixed=False),
        gptq(8, "gptq", mixed=False),
        gptq(4, "gptq_v2", mixed=False),
        gptq(4, "gptq", mixed=True),
        awq(),
    ],
    ids=lambda made: f"{made[1]['quant_method']} {made[1].get('format', made[1].get('bits', ''))}",
)
def test_weights_become_the_numbers_that_were_packed(tmp_path: Path, made: tuple[Tensors, Any, torch.Tensor]) -> None:
    tensors, quantisation, expected = made
    write(tmp_path, tensors, quantisation)
    steps: list[str] = []
    dequantize(tmp_path, steps.append)
    found = load_file(tmp_path / "model.safetensors")
    others = {"model.norm.weight"} | ({"model.layer.bias"} if "bias" in tensors else set())
    assert set(found) == {"model.layer.weight", *others}
    torch.testing.assert_close(found["model.layer.weight"], expected.float())
    assert "quantization_config" not in json.loads((tmp_path / "config.json").read_text())
    assert steps == [f"unpacking the weights ({quantisation['quant_method']})"]


def test_parts_of_a_weight_in_two_files_come_together_and_files_of_the_cache_stay(tmp_path: Path) -> None:
    tensors, quantisation, expected = packed(4, zero_points=False)
    cache, folder = tmp_path / "cache", tmp_path / "copy"
    cache.mkdir()
    folder.mkdir()
    write(cache, {"weight_packed": tensors.pop("weight_packed")}, quantisation, dtype="bfloat16")
    save_file({f"model.layer.{name}": tensor for name, tensor in tensors.items()}, cache / "more.safetensors")
    before = {path.name: path.read_bytes() for path in cache.iterdir()}
    for path in cache.iterdir():
        (folder / path.name).symlink_to(path)
    dequantize(folder, lambda step: None)
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == before
    found = load_file(folder / "model.safetensors")
    torch.testing.assert_close(found["model.layer.weight"], expected.to(torch.bfloat16))
    index = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    assert index == {"model.layer.weight": "model.safetensors", "model.norm.weight": "model.safetensors"}


def test_a_layer_that_was_left_out_keeps_its_weight(tmp_path: Path) -> None:
    tensors, quantisation, _ = channel_fp8()
    write(tmp_path, {**tensors, "head.weight": torch.full((2, 2), 3.0)}, quantisation)
    dequantize(tmp_path, lambda step: None)
    assert load_file(tmp_path / "model.safetensors")["model.layer.head.weight"].tolist() == [[3, 3], [3, 3]]


def test_a_folder_of_floats_stays_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, {"weight": torch.ones(2, 2)}, None)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    dequantize(tmp_path, lambda step: pytest.fail(step))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("quantisation", "words"),
    [
        ({"quant_method": "bitsandbytes"}, "quantised by bitsandbytes, which"),
        ({"quant_method": "gptq", "bits": 3}, r"quantised by gptq \(3\), which"),
        ({"quant_method": "compressed-tensors", "format": "marlin-24"}, r"compressed-tensors \(marlin-24\), which"),
    ],
)
def test_another_form_is_refused_by_name(tmp_path: Path, quantisation: Any, words: str) -> None:
    write(tmp_path, {"weight": torch.ones(2, 2)}, quantisation)
    with pytest.raises(ConvertError, match=words):
        dequantize(tmp_path, lambda step: None)


@pytest.mark.parametrize(
    ("tensors", "quantisation", "words"),
    [
        (
            {"gate_up_proj": torch.ones(2, 4, 4).to(torch.float8_e4m3fn)},
            {"quant_method": "fp8"},
            r"gate_up_proj has numbers of 8 bits, whose scale",
        ),
        (
            {"weight": torch.ones(2, 2, dtype=torch.int8), "weight_scale_inv": torch.ones(1)},
            {"quant_method": "fp8"},
            r"its numbers are torch\.int8; expected FP8",
        ),
        (
            {
                "weight_packed": torch.ones(2, 3, dtype=torch.int32),
                "weight_shape": torch.tensor([2, 32]),
                "weight_scale": torch.ones(1),
            },
            compressed("pack-quantized", num_bits=3),
            "its numbers have 3 bits",
        ),
    ],
)
def test_numbers_that_are_not_known_are_named(tmp_path: Path, tensors: Tensors, quantisation: Any, words: str) -> None:
    write(tmp_path, tensors, quantisation)
    with pytest.raises(ConvertError, match=words):
        dequantize(tmp_path, lambda step: None)


def test_a_weight_without_its_scale_is_named(tmp_path: Path) -> None:
    tensors, quantisation, _ = channel_fp8()
    del tensors["weight_scale"]
    write(tmp_path, tensors, quantisation)
    with pytest.raises(ConvertError, match=r"model\.layer cannot be unpacked: it has no weight_scale"):
        dequantize(tmp_path, lambda step: None)
