"""The task `generateImage`: diffusers' pipelines, text to picture, picture to picture, and repainting under a mask."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from xim_worker import Context, ImageDefaults, ImageEvent, ImageInput, Info, StartError
from xim_worker.tasks import ImageImage, ImageUsage

from .image_files import write_image
from .image_size import SizeLimits, default_size, free_bytes, size_step
from .networks import choose_networks, describe, move_networks
from .order_reader import OrderReader
from .picture_memory import most_pixels
from .pictures import Order, Picture, Pictures, Step, Stopped, sample_order
from .pipeline_folder import load_pipeline
from .prompt_length import PromptLength
from .torch_runtime import open_runtime

_TILE_ABOVE = 1024 * 1024
_LCM_STEPS = 4
_MEMORY_SHARE = 0.9
"""Of the free memory; the rest is for files and the host."""


class GenerateImage:
    """A CallHandler. Pictures of a call are computed one after the other, so that each is that of its seed alone.

    Options of the profile: `dtype`, `size` (`512x512`), `steps`, `guidance`, `safetyChecker` (false leaves the model's
    out), `tileAbove` (pixels above which the decoder works in tiles), `networks` (`openvino` or `pytorch`: the library
    of the denoiser and of the decoder).
    """

    def load(self, context: Context) -> Info:
        options, slots = context.options, context.plan.slots
        runtime = open_runtime(context, parallel=slots, default="bf16")
        library = choose_networks(context, runtime)
        base = load_pipeline(
            Path(context.model_path),
            runtime,
            safety_checker=bool(options.get("safetyChecker", True)),
            progress=context.progress,
        )
        tile_above = int(options.get("tileAbove", _TILE_ABOVE))
        self._pictures = Pictures(base, tile_above=tile_above)
        self._prompts = PromptLength(base)
        self._factor = int(getattr(base, "vae_scale_factor", 8))
        self._has_checker = getattr(base, "safety_checker", None) is not None
        self._guidance: float | None = options.get("guidance")
        for kind in self._pictures.kinds:
            if "callback_on_step_end" not in self._pictures.parameters(kind):
                name = type(self._pictures.pipeline(kind)).__name__
                raise StartError(f"{name} cannot be stopped between its steps and is not served", permanent=True)
        if not self._pictures.kinds:
            raise StartError(f"{type(base).__name__} makes no pictures out of texts or pictures", permanent=True)
        moved: list[str] = []
        if library == "openvino":
            context.progress("converting the networks for OpenVINO", None)
            moved = move_networks(base, self._pictures, size_step(base), context, runtime)
        width, height = default_size(base, options.get("size"))
        room = free_bytes() * _MEMORY_SHARE / slots
        self._limits = SizeLimits(size_step(base), most_pixels(base, room, tile_above))
        # Each thread keeps its own threads for the arithmetic, so threads are kept as well.
        self._threads = ThreadPoolExecutor(max_workers=slots, thread_name_prefix="picture")
        self._defaults: ImageDefaults = {
            "width": width,
            "height": height,
            "steps": self._default_steps(base, options.get("steps")),
            "stepSeconds": 0.0,
            "otherSeconds": 0.0,
        }
        schedule = base.scheduler.config
        self._orders = OrderReader(
            self._pictures,
            self._limits,
            self._prompts,
            self._defaults,
            guidance=self._guidance,
            # Steps are counted from the offset on, within those of the training.
            most_steps=int(schedule.get("num_train_timesteps", 1000)) - int(schedule.get("steps_offset", 0)),
        )
        context.progress("computing a first picture", None)
        self._defaults["stepSeconds"], self._defaults["otherSeconds"] = self._prove()
        described, dtype = describe(runtime, moved)
        return Info(
            runtime=described,
            models=[context.model["id"]],
            dtype=dtype,
            slots=slots,
            image_defaults=self._defaults,
            safety_checker=self._has_checker,
        )

    def run(self, request: ImageInput, cancelled: Callable[[], bool]) -> Generator[ImageEvent | None, None, None]:
        order = self._orders.read(request)
        events: SimpleQueue[ImageEvent | None] = SimpleQueue()
        left = threading.Event()
        yield {"type": "start", "width": order.width, "height": order.height}
        painting = self._threads.submit(self._paint_all, order, request, lambda: cancelled() or left.is_set(), events)
        try:
            while (event := events.get()) is not None:
                yield event
            try:
                painting.result()
            except Stopped:
                # The runtime looks for cancellation between two events.
                yield None
        finally:
            left.set()

    def _paint_all(
        self,
        order: Order,
        request: ImageInput,
        is_over: Callable[[], bool],
        events: SimpleQueue[ImageEvent | None],
    ) -> None:
        try:
            count, seed = request.get("count", 1), request.get("seed")
            first = int.from_bytes(os.urandom(6), "big") if seed is None else seed
            for index in range(count):
                self._paint(order, first + index, (index, count), request, is_over, events)
            positions = math.prod(self._limits.padded(side) // self._factor for side in (order.width, order.height))
            usage: ImageUsage = {
                "textTokens": self._prompts.count(order.prompt) + self._prompts.count(order.negative_prompt or ""),
                "imageTokens": 0 if order.image is None else positions,
                "outputTokens": count * positions,
            }
            events.put({"type": "end", "usage": usage})
        finally:
            events.put(None)

    def _paint(
        self,
        order: Order,
        seed: int,
        place: tuple[int, int],
        request: ImageInput,
        is_over: Callable[[], bool],
        events: SimpleQueue[ImageEvent | None],
    ) -> None:
        index, count = place
        sent = 0

        def on_step(step: Step) -> None:
            nonlocal sent
            if is_over():
                raise Stopped
            events.put({"type": "progress", "step": index * step.of + step.done, "of": count * step.of})
            # At even distances, and never after the last step, which the finished picture follows.
            if (
                sent < order.partials
                and step.done < step.of
                and step.done * (order.partials + 1) >= (sent + 1) * step.of
            ):
                events.put(_to_event(step.partial(), index, request, partial=sent))
                sent += 1

        if is_over():
            raise Stopped
        picture = self._pictures.paint(order, seed, self._limits.step, on_step)
        events.put(_to_event(picture, index, request))

    def _prove(self) -> tuple[float, float]:
        """Seconds of a step and of all else. Computes two steps and times the second one: the first chooses kernels."""
        kind = self._pictures.kinds[0]
        size = (self._defaults["width"], self._defaults["height"])
        self._limits.check(*size)
        order = sample_order(kind, size, self._guidance)
        times: list[float] = []
        picture = self._threads.submit(
            self._pictures.paint, order, 0, self._limits.step, lambda _: times.append(time.monotonic())
        ).result()
        write_image(picture.image, "png", None)
        step = times[-1] - times[-2] if len(times) > 1 else 0.0
        return step, time.monotonic() - times[-1]

    def _default_steps(self, base: Any, asked: int | None) -> int:
        if asked is not None:
            return int(asked)
        if type(base.scheduler).__name__ == "LCMScheduler":
            return _LCM_STEPS
        return int(self._pictures.parameters(self._pictures.kinds[0])["num_inference_steps"])


def _to_event(picture: Picture, index: int, request: ImageInput, partial: int | None = None) -> ImageImage:
    event: ImageImage = {
        "type": "image",
        "index": index,
        "bytes": write_image(picture.image, request["format"], request.get("quality")),
        "mediaType": f"image/{request['format']}",
    }
    if partial is not None:
        event["partial"] = partial
    if picture.rejected:
        event["rejected"] = True
    return event
