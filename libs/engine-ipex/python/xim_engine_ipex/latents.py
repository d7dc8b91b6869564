"""Latents to pixels: at the end of a run, and between its steps."""

from __future__ import annotations

import functools
from typing import Any

import torch


def watch_predictions(pipeline: Any) -> dict[str, Any]:
    """Has the pipeline's scheduler note the finished latents that it predicts at each step, where it says so."""
    seen: dict[str, Any] = {}
    step = pipeline.scheduler.step

    @functools.wraps(step)
    def noting(*args: Any, **kwargs: Any) -> Any:
        result = step(*args, **kwargs)
        if isinstance(result, tuple) and len(result) > 1:
            seen["latents"] = result[1]
        return result

    pipeline.scheduler.step = noting
    return seen


def decode(pipeline: Any, latents: Any, height: int, width: int) -> tuple[Any, bool]:
    """Pixels `[1, height, width, 3]` from 0 to 1 as diffusers decodes them, and whether the checker rejected them.

    Called within a step of the pipeline, which records no gradients.
    """
    vae = pipeline.vae
    if hasattr(pipeline, "_unpack_latents"):
        latents = pipeline._unpack_latents(latents, height, width, pipeline.vae_scale_factor)
    config = vae.config
    mean, deviation = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    if mean is not None and deviation is not None:
        of_channels = [torch.tensor(values).view(1, -1, 1, 1).to(latents) for values in (mean, deviation)]
        latents = latents * of_channels[1] / config.scaling_factor + of_channels[0]
    else:
        latents = latents / config.scaling_factor + (getattr(config, "shift_factor", None) or 0.0)
    pixels = vae.decode(latents.to(vae.dtype), return_dict=False)[0]
    rejected = False
    if hasattr(pipeline, "run_safety_checker"):
        pixels, found = pipeline.run_safety_checker(pixels, pixels.device, pixels.dtype)
        rejected = bool(found and found[0])
    return pipeline.image_processor.postprocess(pixels, output_type="np", do_denormalize=[not rejected]), rejected


def expect_numbers(values: Any) -> None:
    """Raises RuntimeError for values that are NaN or infinite."""
    if not bool(torch.isfinite(values).all()):
        raise RuntimeError(
            "the model computed values that are no numbers (NaN or infinite); where this happens with every prompt, "
            "give the profile the option dtype f32"
        )
