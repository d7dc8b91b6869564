"""The data set: one coloured shape on a plain background, 64 x 64 pixels, with the words that describe it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SIDE = 64
"""Pixels of a side."""

COLOURS = {
    "red": (220, 30, 30),
    "orange": (245, 140, 20),
    "yellow": (245, 220, 40),
    "blue": (35, 70, 215),
    "white": (255, 255, 255),
}
"""Those that the words name."""

MORE_COLOURS = {"green": (30, 160, 60), "purple": (130, 45, 165), "black": (15, 15, 15)}
"""Those that the autoencoder sees too. It has too few steps to tell them from blue, so no words name them."""

PLAIN = (205, 205, 205)
"""The background of scenes with words."""

SHAPES = ("circle", "square", "triangle", "star", "cross")
RADII = {"small": (10, 14), "": (15, 21), "large": (22, 27)}
"""Pixels from the centre of a shape to its farthest point, by the word for its size."""

_OVERSAMPLING = 4
_JITTER = 4
"""Pixels that the centre of a shape is off the centre of the picture, at most; half of it in scenes with words."""


@dataclass(frozen=True)
class Scene:
    """A picture, before it is drawn. Lengths are in pixels."""

    colour: str
    shape: str
    size: str
    background: str | None
    centre: tuple[float, float] = (SIDE / 2, SIDE / 2)
    radius: float = 18.0

    def words(self) -> str:
        """Without the background, which is plain where a scene has words."""
        return f"a {self.size} {self.colour} {self.shape}".replace("  ", " ")

    def draw(self) -> Image.Image:
        """RGB, with smooth edges."""
        colours = COLOURS | MORE_COLOURS
        ground = PLAIN if self.background is None else colours[self.background]
        large = Image.new("RGB", (SIDE * _OVERSAMPLING,) * 2, ground)
        pen, fill = ImageDraw.Draw(large), colours[self.colour]
        for corners in _outlines(self.shape, self.centre, self.radius):
            pen.polygon([(x * _OVERSAMPLING, y * _OVERSAMPLING) for x, y in corners], fill=fill)
        return large.resize((SIDE, SIDE), Image.Resampling.BOX)


def random_scene(source: random.Random, *, of_words: bool) -> Scene:
    """`of_words`: only what words can describe, on the plain background."""
    colours = list(COLOURS if of_words else COLOURS | MORE_COLOURS)
    colour, size = source.choice(colours), source.choice(list(RADII))
    others = [name for name in colours if name != colour]
    jitter = _JITTER / 2 if of_words else _JITTER
    return Scene(
        colour=colour,
        shape=source.choice(SHAPES),
        size=size,
        background=None if of_words or source.random() < 0.5 else source.choice(others),
        centre=(SIDE / 2 + source.uniform(-jitter, jitter), SIDE / 2 + source.uniform(-jitter, jitter)),
        radius=source.uniform(*RADII[size]),
    )


def to_pixels(picture: Image.Image) -> np.ndarray:
    """`[3, height, width]` from -1 to 1, as the encoder of Stable Diffusion reads it."""
    return np.asarray(picture, np.float32).transpose(2, 0, 1) / 127.5 - 1


def _outlines(shape: str, centre: tuple[float, float], radius: float) -> list[list[tuple[float, float]]]:
    """The polygons that fill a shape, in pixels."""

    def at(turn: float, length: float) -> tuple[float, float]:
        """`turn` in rounds, clockwise from the top."""
        return (
            centre[0] + length * math.sin(2 * math.pi * turn),
            centre[1] - length * math.cos(2 * math.pi * turn),
        )

    if shape == "circle":
        return [[at(step / 64, radius) for step in range(64)]]
    if shape == "square":
        return [[at(step / 4 + 1 / 8, radius) for step in range(4)]]
    if shape == "triangle":
        return [[at(step / 3, radius) for step in range(3)]]
    if shape == "star":
        return [[at(step / 10, radius if step % 2 == 0 else radius * 0.45) for step in range(10)]]
    thick = radius * 0.3
    return [
        [(centre[0] + x * width, centre[1] + y * height) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        for width, height in ((radius, thick), (thick, radius))
    ]
