"""Requests for pictures, checked against the model before anything is computed."""

from __future__ import annotations

from typing import Any, cast

from xim_worker import ImageDefaults, ImageInput, InvalidInput

from .image_files import cover, read_image, to_mask, to_rgb
from .image_size import SizeLimits
from .pictures import IMAGE, MASK, TEXT, Order, Pictures
from .prompt_length import PromptLength

_MOST_COUNT = 16
_NEEDS = {TEXT: "a prompt alone", IMAGE: "an image", MASK: "an image with a mask"}


class OrderReader:
    """Makes an order of a request."""

    def __init__(
        self,
        pictures: Pictures,
        limits: SizeLimits,
        prompts: PromptLength,
        defaults: ImageDefaults,
        *,
        guidance: float | None,
        most_steps: int,
    ) -> None:
        self._pictures, self._limits, self._prompts, self._defaults = pictures, limits, prompts, defaults
        self._guidance, self._most_steps = guidance, most_steps

    def read(self, request: ImageInput) -> Order:
        """Raises InvalidInput, by name, for what this model cannot do."""
        most = self._limits.most_pixels
        image = None if request.get("image") is None else read_image(request["image"], "image", most)
        mask = None if request.get("mask") is None else read_image(request["mask"], "mask", most)
        if image is None and mask is not None:
            raise InvalidInput("mask says what to repaint of an image, and there is no image: give both.", "mask")
        repaint = None if image is None else to_mask(mask, image)
        width, height = self._read_size(request, image)
        order = Order(
            prompt=request["prompt"],
            negative_prompt=request.get("negativePrompt"),
            width=width,
            height=height,
            steps=_whole(request, "steps", self._defaults["steps"], 1, self._most_steps),
            guidance=_number(request, "guidance", self._guidance, 0, 100),
            image=None if image is None else cover(to_rgb(image), width, height),
            mask=None
            if repaint is None
            else cover(repaint, width, height).point(lambda value: 255 if value >= 128 else 0),
            strength=_number(request, "strength", None, 0, 1),
            partials=_whole(request, "partials", 0, 0, 3),
        )
        _whole(request, "count", 1, 1, _MOST_COUNT)
        _whole(request, "quality", 100, 0, 100)
        if request.get("seed") is not None:
            _whole(request, "seed", 0, None, None)
        if request["format"] not in ("png", "jpeg", "webp"):
            raise InvalidInput(f"format is {request['format']!r}; expected png, jpeg or webp.", "format")
        self._check(order)
        return order

    def _read_size(self, request: ImageInput, image: Any) -> tuple[int, int]:
        own = (self._defaults["width"], self._defaults["height"]) if image is None else image.size
        width, height = request.get("width"), request.get("height")
        size = own[0] if width is None else width, own[1] if height is None else height
        self._limits.check(*size)
        return size

    def _check(self, order: Order) -> None:
        kinds = self._pictures.kinds
        if order.kind not in kinds:
            known = " or ".join(_NEEDS[kind] for kind in kinds)
            param = {TEXT: "image", IMAGE: "image", MASK: "mask"}[order.kind]
            raise InvalidInput(
                f"This model makes no picture from {_NEEDS[order.kind]}; it takes {known}.",
                param,
                "XIM_UNSUPPORTED_PARAMETER",
            )
        taken = self._pictures.parameters(order.kind)
        if order.strength is not None:
            self._check_strength(order, taken)
        self._prompts.check(order.prompt, "prompt")
        if order.negative_prompt is not None:
            self._prompts.check(order.negative_prompt, "negativePrompt")
            guidance = order.guidance if order.guidance is not None else taken.get("guidance_scale", 0.0)
            if "negative_prompt" not in taken or taken.get("true_cfg_scale", guidance) <= 1:
                raise InvalidInput(
                    "A negative prompt has no effect on this model, or none with guidance of at most 1: leave it out.",
                    "negativePrompt",
                    "XIM_UNSUPPORTED_PARAMETER",
                )

    def _check_strength(self, order: Order, taken: dict[str, Any]) -> None:
        strength = cast(float, order.strength)
        if order.image is None or "strength" not in taken:
            raise InvalidInput(
                "strength says how far to go from an image, and there is none here: leave it out.",
                "strength",
                "XIM_UNSUPPORTED_PARAMETER",
            )
        if int(order.steps * strength) < 1:
            raise InvalidInput(
                f"strength {strength:g} of {order.steps} steps is less than one step; raise strength or steps.",
                "strength",
            )


def _whole(request: ImageInput, name: str, default: int, least: int | None, most: int | None) -> int:
    value = request.get(name, default)
    in_range = type(value) is int and (least is None or value >= least) and (most is None or value <= most)
    if not in_range:
        wanted = "a whole number" + ("" if least is None else f" from {least} to {most}")
        raise InvalidInput(f"{name} is {value!r}; expected {wanted}.", name)
    return cast(int, value)


def _number(request: ImageInput, name: str, default: float | None, least: float, most: float) -> float | None:
    value = request.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise InvalidInput(f"{name} is {value!r}; expected a number from {least:g} to {most:g}.", name)
    return float(value)
