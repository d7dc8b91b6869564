"""Pictures in and out as files, by Pillow."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from PIL import Image, ImageOps
from xim_worker import InvalidInput, Media

Format = Literal["png", "jpeg", "webp"]
READ = ("PNG", "JPEG", "WEBP")
_QUALITY = 85
"""Of jpeg and webp where a request names none."""


def read_image(media: Media, param: str, most_pixels: int) -> Image.Image:
    """The picture, upright, as RGB or (with an alpha channel) RGBA.

    Raises InvalidInput for what is no PNG, JPEG or WebP, is cut, or has more than `most_pixels`.
    """
    source = io.BytesIO(media["bytes"]) if "bytes" in media else media["path"]
    try:
        with Image.open(source, formats=READ) as file:
            # The head alone is read so far.
            if file.width * file.height > most_pixels:
                raise InvalidInput(
                    f"{param} has {file.width}x{file.height} pixels; the most that fits is {most_pixels} pixels.", param
                )
            upright = ImageOps.exif_transpose(file)
            has_alpha = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
            return upright.convert("RGBA" if has_alpha else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        message = f"{param} cannot be read as {', '.join(READ)}: {error}"
        raise InvalidInput(message, param) from error


def write_image(image: Image.Image, format: Format, quality: int | None) -> bytes:
    """`quality` 0 to 100 is for jpeg and webp; png loses nothing."""
    file = io.BytesIO()
    if format == "png":
        # Level 6, Pillow's own, takes three times as long as 3 and saves 3 % of a photograph.
        image.save(file, "PNG", compress_level=3)
    else:
        image.save(file, format.upper(), quality=_QUALITY if quality is None else quality)
    return file.getvalue()


def cover(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture scaled to cover the size, and its middle; itself where it has the size."""
    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def to_rgb(image: Image.Image) -> Image.Image:
    """The colours, those under transparent pixels included."""
    return image.convert("RGB")


def to_mask(mask: Image.Image | None, image: Image.Image) -> Image.Image | None:
    """White where to repaint, as mode L and with the size of `image`: see `ImageInput.mask`. None: there is no mask.

    Raises InvalidInput where the mask has another size than the picture, or repaints nothing.
    """
    source = image if mask is None else mask
    if mask is not None and mask.size != image.size:
        raise InvalidInput(
            f"mask has {mask.width}x{mask.height} pixels and image {image.width}x{image.height}: "
            "give a mask of the picture's size.",
            "mask",
        )
    if source.mode == "RGBA":
        repaint = ImageOps.invert(source.getchannel("A"))
    elif mask is not None:
        repaint = source.convert("L")
    else:
        return None
    repaint = repaint.point(lambda value: 255 if value >= 128 else 0)
    if repaint.getextrema()[1] == 255:
        return repaint
    if mask is None:
        return None
    raise InvalidInput(
        "mask repaints nothing: expected transparent pixels, or white ones in a mask without an alpha channel.", "mask"
    )


def pad(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture with its last column and row repeated to the right and below up to the size."""
    if image.size == (width, height):
        return image
    missing = ((0, height - image.height), (0, width - image.width))
    edges = missing if image.mode == "L" else (*missing, (0, 0))
    return Image.fromarray(np.pad(np.asarray(image), edges, mode="edge"))
