"""Sizes of pictures: what the model computes in, and what fits into memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffusers import DiffusionPipeline
from xim_worker import InvalidInput, StartError

MOST_SIDE = 8192
"""Pixels of a side, whatever the memory."""


@dataclass(frozen=True)
class SizeLimits:
    """Sides are computed in multiples of `step` pixels; a picture of another size is cut from the next larger one."""

    step: int
    most_pixels: int

    def padded(self, side: int) -> int:
        return math.ceil(side / self.step) * self.step

    def check(self, width: Any, height: Any) -> None:
        """Raises InvalidInput for a size that is none or does not fit, and names the largest one of the same shape."""
        for name, side in (("width", width), ("height", height)):
            if type(side) is not int or not 1 <= side <= MOST_SIDE:
                raise InvalidInput(f"{name} is {side}; expected a whole number from 1 to {MOST_SIDE}.", name)
        if self.padded(width) * self.padded(height) <= self.most_pixels:
            return
        scale = math.sqrt(self.most_pixels / (width * height))
        fitting = [max(self.step, int(side * scale) // self.step * self.step) for side in (width, height)]
        raise InvalidInput(
            f"A picture of {width}x{height} does not fit into the memory of this service. "
            f"The largest of this shape is {fitting[0]}x{fitting[1]}.",
            "width",
        )


def default_size(pipeline: DiffusionPipeline, asked: str | None) -> tuple[int, int]:
    """Width and height in pixels: the profile's option `size`, else the size that the model was trained with."""
    if asked is not None:
        sides = asked.split("x")
        if len(sides) != 2 or not all(side.isdecimal() and int(side) > 0 for side in sides):
            raise StartError(f"the profile's size is {asked!r}; expected a size such as 512x512", permanent=True)
        return int(sides[0]), int(sides[1])
    found = getattr(pipeline, "default_sample_size", None)
    if found is None:
        found = getattr(denoiser(pipeline).config, "sample_size", None)
    if found is None:
        raise StartError("the model does not say its size; give the profile the option size", permanent=True)
    height, width = found if isinstance(found, (list, tuple)) else (found, found)
    factor = int(getattr(pipeline, "vae_scale_factor", 8))
    return int(width) * factor, int(height) * factor


def size_step(pipeline: DiffusionPipeline) -> int:
    """Pixels of which each side is a multiple: of a latent, and for transformers of a patch of two by two latents."""
    factor = int(getattr(pipeline, "vae_scale_factor", 8))
    return factor if hasattr(pipeline, "unet") else 2 * factor


def denoiser(pipeline: DiffusionPipeline) -> Any:
    return getattr(pipeline, "unet", None) or pipeline.transformer


def free_bytes(root: Path = Path("/")) -> int:
    """Memory that this process may still take: what the machine has free, or less where its cgroup says so."""
    info = dict(line.split(":", 1) for line in (root / "proc/meminfo").read_text().splitlines())
    free = int(info["MemAvailable"].split()[0]) * 1024
    for limit, used in (
        ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current"),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        if (root / limit).is_file() and (root / used).is_file():
            most = (root / limit).read_text().strip()
            if most.isdecimal():
                free = min(free, int(most) - int((root / used).read_text()))
    return max(0, free)
