"""The task `generateImage`: a gradient whose colours are a hash of prompt and seed."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Generator

from xim_worker import Context, ImageDefaults, ImageEvent, ImageInput, Info, InvalidInput
from xim_worker.tasks import ImageImage, ImageUsage

from .start import Pace, describe, start

_MAX_SIDE = 4096
_DEFAULT_STEPS = 4
_DEFAULT_SIDE = 64
"""Pixels of a side that the request leaves out."""


class GenerateImage:
    """A CallHandler. A step is a denoising step of one picture."""

    def load(self, context: Context) -> Info:
        self._faults = start(context)
        self._rate: float = context.options.get("rate", 0)
        defaults: ImageDefaults = {
            "width": _DEFAULT_SIDE,
            "height": _DEFAULT_SIDE,
            "steps": _DEFAULT_STEPS,
            "stepSeconds": 1 / self._rate if self._rate > 0 else 0.0,
            "otherSeconds": 0.0,
        }
        return describe(context, image_defaults=defaults)

    def run(self, request: ImageInput, cancelled: Callable[[], bool]) -> Generator[ImageEvent | None, None, None]:
        self._faults.call()
        _refuse(request)
        count, steps = request.get("count", 1), request.get("steps", _DEFAULT_STEPS)
        # Unfinished pictures at even distances, never after the last step.
        partials = request.get("partials", 0)
        shown_after = [steps * (number + 1) // (partials + 1) for number in range(partials)]
        width, height = request.get("width", _DEFAULT_SIDE), request.get("height", _DEFAULT_SIDE)
        yield {"type": "start", "width": width, "height": height}
        pace = Pace(self._rate)
        for index in range(count):
            for step in range(1, steps + 1):
                pace.wait()
                self._faults.step(1)
                yield {"type": "progress", "step": index * steps + step, "of": count * steps}
                for partial, after in enumerate(shown_after):
                    if step == after or (after == 0 and step == 1):
                        unfinished = _image(request, index, 1 - (partial + 1) / (partials + 1))
                        unfinished["partial"] = partial
                        yield unfinished
            yield _image(request, index, 0.0)
        words = f"{request['prompt']} {request.get('negativePrompt', '')}".split()
        usage: ImageUsage = {"textTokens": len(words), "imageTokens": 0, "outputTokens": count * width * height}
        yield {"type": "end", "usage": usage}


def _refuse(request: ImageInput) -> None:
    for name in ("image", "mask", "strength"):
        if request.get(name) is not None:
            message = f"The echo engine does not support {name}: it makes pictures out of text only."
            raise InvalidInput(message, name, "XIM_UNSUPPORTED_PARAMETER")
    if request["format"] != "png":
        message = f"The echo engine does not encode {request['format']}: ask for png."
        raise InvalidInput(message, "format", "XIM_UNSUPPORTED_PARAMETER")
    limits = {"width": _MAX_SIDE, "height": _MAX_SIDE, "count": 16, "steps": 10**9}
    for name, limit in limits.items():
        value = request.get(name, 1)
        if not isinstance(value, int) or not 1 <= value <= limit:
            raise InvalidInput(f"{name} must be 1 to {limit}; it is {value}.", name)


def _image(request: ImageInput, index: int, unfinished: float) -> ImageImage:
    """The picture, its colours drawn towards grey by `unfinished` (0 to 1)."""
    words = f"{request['prompt']}\0{request.get('negativePrompt', '')}\0{request.get('seed', 0) + index}"
    colours = [round(value + (128 - value) * unfinished) for value in hashlib.sha256(words.encode()).digest()[:6]]
    width, height = request.get("width", _DEFAULT_SIDE), request.get("height", _DEFAULT_SIDE)
    raw = _png(width, height, colours[:3], colours[3:])
    return {"type": "image", "index": index, "bytes": raw, "mediaType": "image/png"}


def _png(width: int, height: int, left: list[int], right: list[int]) -> bytes:
    """A horizontal gradient as PNG, 8-bit RGB (https://www.w3.org/TR/png-3/). Stored, not compressed: that is quick."""
    row = bytearray(1 + 3 * width)
    for channel in range(3):
        span = right[channel] - left[channel]
        row[1 + channel :: 3] = bytes(left[channel] + span * x // width for x in range(width))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(row) * height, 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
