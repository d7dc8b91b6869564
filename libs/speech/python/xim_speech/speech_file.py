"""The audio file of one call, from the samples of its sentences."""

from __future__ import annotations

import numpy as np
from xim_audio import AudioEncoder, wav_header

from .synthesizer import Floats

MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
# Silence after a sentence, in seconds at speed 1.
_PAUSE = 0.2
# Seconds of sound that are encoded at once. Of the first sentence a piece leaves while the rest is encoded; later ones
# are computed ahead, so that fewer and longer pieces are soon enough.
_FIRST_PIECE = 0.5
_PIECE = 5.0
# Seconds of fading at the end of a sentence, so that it does not end with a click.
_FADE = 0.01


class SpeechFile:
    """The file of one call. A WAV file of one sentence is complete before it is sent, so its header has the sizes."""

    def __init__(self, format: str, rate: int, is_whole: bool) -> None:
        self._is_sized = format == "wav" and is_whole
        self._encoder = AudioEncoder("pcm" if self._is_sized else format, rate)
        self._parts: list[bytes] = []

    def write(self, samples: Floats) -> bytes:
        encoded = self._encoder.write(samples)
        if not self._is_sized:
            return encoded
        self._parts.append(encoded)
        return b""

    def finish(self) -> bytes:
        rest = self._encoder.finish()
        if not self._is_sized:
            return rest
        data = b"".join([*self._parts, rest])
        return wav_header(len(data)) + data


def finish_sentence(samples: Floats, rate: int, speed: float) -> Floats:
    """A sentence with a fading end and the pause after it; `rate` in samples per second."""
    fade = min(len(samples), round(_FADE * rate))
    ramp = np.linspace(1, 0, fade, dtype=np.float32)
    pause = np.zeros(round(_PAUSE / speed * rate), np.float32)
    return np.concatenate([samples[: len(samples) - fade], samples[len(samples) - fade :] * ramp, pause])


def split_sound(samples: Floats, rate: int, is_first: bool) -> list[Floats]:
    """The samples of a sentence, which may be the first of the file, in pieces; `rate` in samples per second."""
    piece = round((_FIRST_PIECE if is_first else _PIECE) * rate)
    return np.split(samples, range(piece, len(samples), piece))
