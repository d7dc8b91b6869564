"""The seam to an engine: the models around the handler of the task `transcribe`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from xim_worker import Runtime

Floats = npt.NDArray[np.float32]

RATE = 16_000
"""Samples per second of every array here; samples are float32, mono, -1 to 1."""

FRAME = 512
"""Samples that one probability of speech stands for (32 ms)."""


class SpeechStream(Protocol):
    """The voice activity of one recording, in its order."""

    def add(self, samples: Floats) -> Floats:
        """Probabilities of speech, 0 to 1, of the next `len(samples) / FRAME` frames; a whole number of frames."""
        ...


class SpeechDetector(Protocol):
    def open(self) -> SpeechStream:
        """A stream of its own for a recording. Streams of several threads run side by side."""
        ...


class VoiceEncoder(Protocol):
    """Vectors of voices: the closer two are by their cosine, the more alike the voices."""

    def embed(self, clips: Floats) -> Floats:
        """`[clips, samples]`, each of `SECONDS` (see `speakers/clips.py`), to unit vectors `[clips, dimensions]`."""
        ...


@dataclass(frozen=True)
class DecodingOptions:
    """How a window is read."""

    language: str
    translate: bool
    prompt: str | None
    temperatures: Sequence[float]
    """Tried in turn while a text repeats itself or is improbable."""
    words: bool
    hotwords: str | None = None
    """Words and names that are preferred wherever they fit."""
    logprobs: bool = False
    """Report the log probability of each token of the text."""


class Recogniser(Protocol):
    """Speech to text of windows of at most 30 seconds, each on its own."""

    languages: list[str]
    """Codes that `DecodingOptions.language` may have."""

    def encode(self, samples: Floats) -> Any:
        """What `detect` and `read` take."""
        ...

    def detect(self, encoded: Any) -> Mapping[str, float]:
        """Probability of each language."""
        ...

    def read(self, encoded: Any, reading: DecodingOptions) -> list[dict[str, Any]]:
        """Segments of the contract without `id`; times are seconds from the start of the window."""
        ...

    def describe(self) -> tuple[Runtime, str]:
        """The runtime and the dtype it computes in."""
        ...


@dataclass(frozen=True)
class Models:
    recogniser: Recogniser
    detector: SpeechDetector
    voices: VoiceEncoder | None = None
