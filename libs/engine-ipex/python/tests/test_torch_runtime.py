"""The branch and the dtype that run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from conftest import make_context
from xim_engine_ipex.torch_runtime import open_runtime
from xim_worker import StartError


@pytest.mark.parametrize(
    "code",
    ["raise ImportError('undefined symbol')", "raise OSError('libintel-ext-pt-cpu.so')", "raise SystemExit(1)"],
)
def test_an_extension_that_does_not_load_ends_in_pytorch_alone(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "intel_extension_for_pytorch.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    runtime, _ = open_runtime(make_context(tmp_path), parallel=1, default="f32").describe()
    assert runtime["name"] == "pytorch"
    assert runtime["version"] == torch.__version__


def test_an_extension_that_loads_is_used_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "__version__ = '2.8.0'\ndef optimize(module, dtype, inplace):\n    module.seen = dtype\n    return module\n"
    (tmp_path / "intel_extension_for_pytorch.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "intel_extension_for_pytorch", raising=False)
    opened = open_runtime(make_context(tmp_path), parallel=1, default="f32")
    monkeypatch.delitem(sys.modules, "intel_extension_for_pytorch")
    runtime, dtype = opened.describe()
    assert (runtime["name"], runtime["version"], dtype) == ("ipex", f"2.8.0 on PyTorch {torch.__version__}", "f32")
    assert opened.optimize(torch.nn.Linear(1, 1)).seen == torch.float32


@pytest.mark.parametrize(("has_bf16", "expected"), [(True, "bf16"), (False, "f32")])
def test_bf16_only_where_there_are_kernels(
    has_bf16: bool, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xim_engine_ipex.torch_runtime.has_bf16_kernels", lambda: has_bf16)
    assert open_runtime(make_context(tmp_path), parallel=1, default="bf16").dtype_name == expected
    if not has_bf16:
        with pytest.raises(StartError, match="no kernels"):
            open_runtime(make_context(tmp_path, dtype="bf16"), parallel=1, default="bf16")
    with pytest.raises(StartError, match="expected one of f32, bf16"):
        open_runtime(make_context(tmp_path, dtype="f16"), parallel=1, default="bf16")
    assert open_runtime(make_context(tmp_path, dtype="f32"), parallel=1, default="bf16").dtype_name == "f32"
