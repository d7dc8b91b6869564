"""Which models are computed by int8 dot products, by the host's flags, the profile and the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from gguf import GGMLQuantizationType as Kind
from gguf_files import write_model
from openvino import opset13 as ops
from xim_engine_oneapi import int8_products
from xim_engine_oneapi.gguf import build_model, read_header
from xim_engine_oneapi.int8_products import INT8_GROUP, activation_groups, becomes_int8
from xim_worker import Context, Plan, StartError

VNNI, AMX, AVX2 = {"avx2", "avx512_vnni"}, {"avx512_vnni", "amx_tile"}, {"avx2"}
SMALL, LARGE = 10**6, 2**31


def to_context(**options: Any) -> Context:
    return Context({}, "", options, Plan(threads=1, slots=1, kv_cache_bytes=0, batch_tokens=1), 0, lambda *_: None)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda flags: monkeypatch.setattr(int8_products, "cpu_flags", lambda: frozenset(flags))


@pytest.mark.parametrize(
    ("flags", "kind", "size", "options", "expected"),
    [
        (VNNI, Kind.Q4_1, SMALL, {}, True),
        ({"avx2", "avx_vnni"}, Kind.Q4_1, SMALL, {}, True),
        (AMX, Kind.Q4_1, SMALL, {}, False),
        (AVX2, Kind.Q4_1, SMALL, {}, False),
        (VNNI, Kind.Q4_1, LARGE, {}, False),
        (VNNI, Kind.Q8_0, LARGE, {}, True),
        (VNNI, Kind.Q4_1, SMALL, {"exact": True}, False),
        (VNNI, Kind.Q4_1, SMALL, {"weightBits": 4}, False),
        (AVX2, Kind.Q4_1, LARGE, {"weightBits": 8}, True),
    ],
)
def test_weights_become_int8(
    tmp_path: Path, host: Any, flags: set[str], kind: Kind, size: int, options: dict[str, Any], expected: bool
) -> None:
    host(flags)
    header = read_header(write_model(tmp_path / "model.gguf", kind=kind))
    assert becomes_int8(to_context(**options), header, size) == expected


def test_another_number_of_bits_is_refused(tmp_path: Path) -> None:
    header = read_header(write_model(tmp_path / "model.gguf"))
    with pytest.raises(StartError, match="weightBits is 5; expected 4 or 8") as error:
        becomes_int8(to_context(weightBits=5), header, SMALL)
    assert error.value.permanent


def product(weights: ov.Node) -> ov.Model:
    rows = ops.parameter([-1, 128], np.float32)
    return ov.Model([ops.matmul(rows, ops.convert(weights, ov.Type.f32), False, True)], [rows])


def test_activations_have_groups_that_divide_those_of_the_weights(tmp_path: Path, host: Any) -> None:
    path = write_model(tmp_path / "model.gguf", kind=Kind.Q4_0)
    of_rows = product(ops.constant(np.ones((8, 128), np.int8)))
    wide = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": INT8_GROUP}
    host(VNNI)
    assert activation_groups(build_model(path, int8_group=INT8_GROUP), to_context()) == wide
    assert activation_groups(of_rows, to_context()) == wide
    assert activation_groups(build_model(path), to_context()) == {}, "32 is OpenVINO's default"
    assert activation_groups(of_rows, to_context(exact=True)) == {}
    host(AMX)
    assert activation_groups(of_rows, to_context()) == {}
