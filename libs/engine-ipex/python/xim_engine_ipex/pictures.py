"""One picture after the other out of a pipeline: a seed in, pixels out, with a look between the steps."""

from __future__ import annotations

import copy
import functools
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import (
    AutoPipelineForImage2Image,
    AutoPipelineForInpainting,
    AutoPipelineForText2Image,
    DiffusionPipeline,
)
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

from .image_files import pad
from .latents import decode, expect_numbers, watch_predictions

TEXT, IMAGE, MASK = "text", "image", "mask"
_AUTO = {TEXT: AutoPipelineForText2Image, IMAGE: AutoPipelineForImage2Image, MASK: AutoPipelineForInpainting}
_INPAINTING_CHANNELS = 9
"""Input channels of a UNet for inpainting alone: latents, the picture's latents, and the mask."""


class Stopped(Exception):
    """Raised between two steps: nobody waits for the picture any more."""


@dataclass(frozen=True)
class Order:
    """Pictures of one call. Sides are in pixels, those of the result."""

    prompt: str
    negative_prompt: str | None
    width: int
    height: int
    steps: int
    guidance: float | None
    image: Image.Image | None
    """RGB, of the order's size."""
    mask: Image.Image | None
    """L, of the order's size; white is repainted."""
    strength: float | None
    partials: int

    @property
    def kind(self) -> str:
        return MASK if self.mask is not None else TEXT if self.image is None else IMAGE


def sample_order(kind: str, size: tuple[int, int], guidance: float | None) -> Order:
    """Two steps of one picture of this kind, for the start."""
    return Order(
        prompt="a house",
        negative_prompt=None,
        width=size[0],
        height=size[1],
        steps=2,
        guidance=guidance,
        image=None if kind == TEXT else Image.new("RGB", size),
        mask=None if kind != MASK else Image.new("L", size, 255),
        strength=None if kind == TEXT else 1.0,
        partials=0,
    )


@dataclass(frozen=True)
class Picture:
    image: Image.Image
    rejected: bool


@dataclass(frozen=True)
class Step:
    """After a step of one picture."""

    done: int
    of: int
    partial: Callable[[], Picture]
    """The unfinished picture, decoded when asked for."""


class Pictures:
    """The pipelines over one set of weights, by what they start from: a text, a picture, or a picture with a mask."""

    def __init__(self, base: DiffusionPipeline, *, tile_above: int) -> None:
        """`tile_above`: the decoder computes pictures of more pixels than this in tiles, which bounds its memory."""
        self._pipelines = _variants(base)
        self._tile_above = tile_above
        self._of_thread = threading.local()

    @property
    def kinds(self) -> list[str]:
        return list(self._pipelines)

    def parameters(self, kind: str) -> dict[str, Any]:
        """The names that the pipeline's call takes, with their defaults."""
        signature = inspect.signature(self._pipelines[kind].__call__)
        return {name: parameter.default for name, parameter in signature.parameters.items()}

    def pipeline(self, kind: str) -> DiffusionPipeline:
        return self._pipelines[kind]

    def paint(self, order: Order, seed: int, step: int, on_step: Callable[[Step], None]) -> Picture:
        """One picture. `step` is the multiple in pixels that the model computes in; `on_step` may raise to end the run.

        Raises RuntimeError where the model computed something that is no number.
        """
        width, height = (-(-side // step) * step for side in (order.width, order.height))
        pipeline = self._own(order, width * height)
        unfinished = watch_predictions(pipeline) if order.partials else {}
        finish = functools.partial(_finish, order=order)

        def after_step(pipe: Any, number: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            latents = tensors["latents"]
            expect_numbers(latents)
            partial = functools.partial(decode, pipe, unfinished.get("latents", latents), height, width)
            on_step(Step(number + 1, getattr(pipe, "num_timesteps", order.steps), lambda: finish(*partial())))
            return tensors

        wanted = {
            "prompt": order.prompt,
            "negative_prompt": order.negative_prompt,
            "width": width,
            "height": height,
            "num_inference_steps": order.steps,
            **_guidance(order.guidance, self.parameters(order.kind)),
            "generator": torch.Generator("cpu").manual_seed(_to_torch_seed(seed)),
            "image": order.image and pad(order.image, width, height),
            "mask_image": order.mask and pad(order.mask, width, height),
            "strength": order.strength,
            "output_type": "np",
            "callback_on_step_end": after_step,
        }
        taken = self.parameters(order.kind)
        result = pipeline(**{name: value for name, value in wanted.items() if name in taken and value is not None})
        rejected = getattr(result, "nsfw_content_detected", None)
        return finish(result.images, bool(rejected and rejected[0]))

    def _own(self, order: Order, pixels: int) -> Any:
        """The pipeline for one run: the weights are shared, all that a run changes is its own."""
        pipeline = copy.copy(self._pipelines[order.kind])
        pipeline.scheduler = copy.deepcopy(pipeline.scheduler)
        for name, tokenizer in self._tokenizers(pipeline).items():
            setattr(pipeline, name, tokenizer)
        if pixels > self._tile_above and hasattr(pipeline.vae, "enable_tiling"):
            pipeline.vae = copy.copy(pipeline.vae)
            pipeline.vae.enable_tiling()
        return pipeline

    def _tokenizers(self, pipeline: Any) -> dict[str, Any]:
        """A tokenizer keeps padding and truncation of its last call, so each thread has its own."""
        if not hasattr(self._of_thread, "tokenizers"):
            found = {name: part for name, part in pipeline.components.items() if name.startswith("tokenizer")}
            self._of_thread.tokenizers = {name: copy.deepcopy(part) for name, part in found.items() if part is not None}
        tokenizers: dict[str, Any] = self._of_thread.tokenizers
        return tokenizers


def _variants(base: DiffusionPipeline) -> dict[str, DiffusionPipeline]:
    unet = getattr(base, "unet", None)
    if unet is not None and unet.config.in_channels == _INPAINTING_CHANNELS:
        return {MASK: _silent(AutoPipelineForInpainting.from_pipe(base))}
    found: dict[str, DiffusionPipeline] = {}
    for kind, auto in _AUTO.items():
        # diffusers has no such pipeline for this family.
        try:
            found[kind] = _silent(auto.from_pipe(base))
        except ValueError:
            continue
    return found


def _silent(pipeline: DiffusionPipeline) -> DiffusionPipeline:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _guidance(value: float | None, taken: dict[str, Any]) -> dict[str, Any]:
    """By the name of the parameter that weighs the prompt."""
    if value is None:
        return {}
    if taken.get("true_cfg_scale") is not None and taken["true_cfg_scale"] > 1:
        return {"true_cfg_scale": value}
    return {"guidance_scale": value}


def _finish(pixels: Any, rejected: bool, *, order: Order) -> Picture:
    expect_numbers(torch.from_numpy(np.asarray(pixels)))
    image: Image.Image = VaeImageProcessor.numpy_to_pil(pixels)[0].crop((0, 0, order.width, order.height))
    if order.mask is not None and order.image is not None and not rejected:
        # The decoder changes all pixels a little; those that are not repainted are to stay.
        image = Image.composite(image, order.image, order.mask)
    return Picture(image, rejected)


def _to_torch_seed(seed: int) -> int:
    """PyTorch takes seeds below 2^64."""
    return seed % 2**64
