"""Which library computes the large networks of a pipeline: OpenVINO or PyTorch."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

from xim_worker import Context, Runtime, StartError

from .pictures import Pictures, sample_order
from .torch_runtime import TorchRuntime

LIBRARIES = ("openvino", "pytorch")
_DENOISERS = ("unet", "transformer")
# In steps of the model's sizes. The first sample has odd sides, so a network that is made from it takes all sizes.
# The second one has another shape and, without guidance, another batch.
_SAMPLES: tuple[tuple[tuple[int, int], float | None], ...] = (((9, 7), None), ((16, 8), 1.0))


def choose_networks(context: Context, runtime: TorchRuntime) -> str:
    """The library of the profile's option `networks`. Raises StartError for another one, or one that is not installed.

    By default OpenVINO, where it is installed and Intel's extension has not repacked the weights.
    """
    asked: str | None = context.options.get("networks")
    if asked is not None and asked not in LIBRARIES:
        raise StartError(f"networks is {asked!r}; expected {' or '.join(LIBRARIES)}", permanent=True)
    installed = importlib.util.find_spec("openvino") is not None
    if asked == "openvino" and not installed:
        raise StartError("the profile asks for networks on openvino, whose wheel is not installed", permanent=True)
    return asked or ("openvino" if installed and runtime.extension is None else "pytorch")


def move_networks(base: Any, pictures: Pictures, step: int, context: Context, runtime: TorchRuntime) -> list[str]:
    """Has OpenVINO compute the denoiser and the decoder of latents. Returns the names of those that it computes."""
    from .openvino_networks import accelerate, recording

    parts: dict[str, Any] = {name: getattr(base, name, None) for name in _DENOISERS}
    parts["vae.decoder"] = getattr(base.vae, "decoder", None)
    modules = {name: module for name, module in parts.items() if module is not None}
    kind = pictures.kinds[0]
    calls = []
    for (width, height), guidance in _SAMPLES:
        with recording(modules) as recorded:
            pictures.paint(sample_order(kind, (width * step, height * step), guidance), 0, step, lambda _: None)
        calls.append(recorded)
    return accelerate(
        modules,
        calls,
        threads=context.plan.threads,
        requests=context.plan.slots,
        dtype=runtime.dtype,
        say=lambda line: print(line, file=sys.stderr),
    )


def describe(runtime: TorchRuntime, moved: list[str]) -> tuple[Runtime, str]:
    """The runtime and the dtype for the host, with OpenVINO where it computes some of the networks."""
    described, dtype = runtime.describe()
    if moved:
        import openvino as ov

        version = ov.get_version().split("-")[0]
        described = {
            "name": f"openvino+{described['name']}",
            "version": f"{version}, {described['name']} {described['version']}",
            "isa": described["isa"],
        }
    return described, dtype
