"""The precision and the kernels that OpenVINO uses on this host, read from the compiled model."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from xim_worker import Runtime

_DTYPES = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}

# OpenVINO names a layer's kernel like `brgemm_avx512_amx_bf16`, `jit_avx512_f32`, `gemm_mlas_f32`. Best first, with the
# kernel's name for the instruction set as Linux writes it.
_KERNELS = (("amx", "amx_"), ("avx512", "avx512f"), ("avx2_vnni", "avx_vnni"), ("avx2", "avx2"))


def describe_runtime(model: ov.CompiledModel) -> tuple[Runtime, str]:
    """Runtime, and dtype of the activations, of a model that has run once (kernels are chosen then)."""
    precision = model.get_property("INFERENCE_PRECISION_HINT").to_string()
    kernels = [_kernel(operation) for operation in model.get_runtime_model().get_ops()]
    version = ov.get_version().split("-")[0]
    return {"name": "openvino", "version": version, "isa": best_isa(kernels)}, _DTYPES.get(precision, precision)


def probe_model(properties: dict[str, Any]) -> ov.CompiledModel:
    """A product of two matrices, compiled and run with these properties: it shows the kernels for many rows."""
    size = 64
    rows = ops.parameter([-1, size], np.float32)
    # With a softmax, since a library whose kernels do not name their instruction set may compute the product alone.
    product = ops.softmax(ops.matmul(rows, ops.constant(np.eye(size, dtype=np.float32)), False, True), 1)
    model = ov.Core().compile_model(ov.Model([product], [rows]), "CPU", properties)
    model.create_infer_request().infer([np.ones((2, size), np.float32)])
    return model


def best_isa(kernels: list[str]) -> str:
    """The best instruction set that kernels of these names use, as Linux names it."""
    for name, flag in _KERNELS:
        using = [kernel.lower() for kernel in kernels if re.search(rf"(^|_){name}(_|$)", kernel)]
        if using:
            return flag + _amx_type(using) if flag == "amx_" else flag
    return "none"


def _amx_type(kernels: list[str]) -> str:
    if all(kernel.endswith(("i8", "u8")) for kernel in kernels):
        return "int8"
    return "fp16" if any(kernel.endswith("_f16") for kernel in kernels) else "bf16"


def _kernel(operation: ov.Node) -> str:
    info = operation.get_rt_info()
    name: str = info["primitiveType"].astype(str) if "primitiveType" in info else ""
    return name
