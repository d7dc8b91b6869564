"""PyTorch on this host: threads of the plan, Intel's extension if it loads, a dtype with kernels."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import Any

import torch
from xim_worker import Context, Runtime, StartError

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class TorchRuntime:
    """The branch that runs: Intel's extension, or PyTorch without it."""

    dtype: torch.dtype
    extension: Any = None
    """The module `intel_extension_for_pytorch`, or None."""

    @property
    def dtype_name(self) -> str:
        return next(name for name, dtype in DTYPES.items() if dtype == self.dtype)

    def describe(self) -> tuple[Runtime, str]:
        name, version = "pytorch", torch.__version__
        if self.extension is not None:
            name, version = "ipex", f"{self.extension.__version__} on PyTorch {torch.__version__}"
        return {"name": name, "version": version, "isa": best_isa(self.dtype)}, self.dtype_name

    def optimize(self, module: torch.nn.Module) -> torch.nn.Module:
        """The module, repacked by the extension where there is one."""
        module = module.eval()
        if self.extension is None:
            return module
        try:
            optimized: torch.nn.Module = self.extension.optimize(module, dtype=self.dtype, inplace=True)
        except Exception as error:
            print(f"the extension leaves {type(module).__name__} as it is: {error}", file=sys.stderr)
            return module
        return optimized


def open_runtime(context: Context, *, parallel: int, default: str) -> TorchRuntime:
    """Gives each of `parallel` computations its share of the plan's threads. Called once, before anything is computed.

    `default` is the dtype of a host with bf16 kernels; the profile's option `dtype` goes before it. A host without them
    computes in f32. Raises StartError for a dtype that this host has no kernels for: oneDNN would emulate it,
    convolutions 73 times slower and products of matrices 9 times.
    """
    torch.set_num_threads(max(1, context.plan.threads // parallel))
    if torch.get_num_interop_threads() != 1:
        # PyTorch accepts this call once in a process.
        torch.set_num_interop_threads(1)
    asked = context.options.get("dtype")
    if asked is not None and asked not in DTYPES:
        raise StartError(f"the profile's dtype is {asked!r}; expected one of {', '.join(DTYPES)}", permanent=True)
    has_bf16 = has_bf16_kernels()
    if asked == "bf16" and not has_bf16:
        raise StartError(
            "the profile asks for bf16, and this host has no kernels for it (AVX512_BF16 or AMX); leave dtype out",
            permanent=True,
        )
    return TorchRuntime(DTYPES[asked or (default if has_bf16 else "f32")], _open_extension())


def has_bf16_kernels() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def best_isa(dtype: torch.dtype) -> str:
    """The best instruction set that PyTorch and oneDNN use for this dtype here, as Linux names it."""
    if dtype == torch.bfloat16:
        if torch.cpu._is_amx_tile_supported():
            return "amx_bf16"
        if torch.cpu._is_avx512_bf16_supported():
            return "avx512_bf16"
    capability = torch.backends.cpu.get_cpu_capability()
    return {"AVX512": "avx512f", "AVX2": "avx2"}.get(capability, "none")


def _open_extension() -> Any:
    """Intel's extension fits exactly one version of PyTorch; beside another one it fails in many ways."""
    try:
        return importlib.import_module("intel_extension_for_pytorch")
    except ModuleNotFoundError as error:
        if error.name != "intel_extension_for_pytorch":
            print(f"Intel's extension does not load ({error}); PyTorch runs without it", file=sys.stderr)
    except (Exception, SystemExit) as error:
        print(f"Intel's extension does not load ({error}); PyTorch runs without it", file=sys.stderr)
    return None
