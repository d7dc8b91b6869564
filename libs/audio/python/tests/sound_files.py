"""Recordings made by PyAV: a tone in any container, with pictures beside it where asked."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt

HERTZ = 440.0


def tone(seconds: float, rate: int) -> npt.NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * HERTZ * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def make(
    container: str, codec: str | None, seconds: float = 2.0, rate: int = 44_100, layout: str = "stereo", video: str = ""
) -> bytes:
    """The file's bytes; without a codec it has no sound track."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        # All tracks before the first packet: the header names them.
        picture: Any = output.add_stream(video, rate=Fraction(25)) if video else None
        options = {"strict": "experimental"}
        track: Any = output.add_stream(codec, rate=rate, layout=layout, options=options) if codec else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
            picture.time_base = Fraction(1, 25)
            for number in range(25):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 9, np.uint8), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                output.mux(picture.encode(frame))
            output.mux(picture.encode(None))
        if track is not None:
            samples = tone(seconds, rate)
            for begin in range(0, len(samples), 1152):
                piece = samples[begin : begin + 1152]
                channels = 2 if layout == "stereo" else 1
                sound = av.AudioFrame.from_ndarray(np.stack([piece] * channels), format="fltp", layout=layout)
                sound.sample_rate, sound.pts, sound.time_base = rate, begin, Fraction(1, rate)
                output.mux(track.encode(sound))
            output.mux(track.encode(None))
    return file.getvalue()
