"""The interface to an engine: the models that the task `transcribe` needs."""

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
"""Samples per probability of speech (32 ms)."""


class SpeechStream(Protocol):
    """The voice activity of one recording, computed in order."""

    def add(self, samples: Floats) -> Floats:
        """The probability of speech, 0 to 1, of each of the next frames, `[frames]`.

        `samples` holds a whole number of frames, `[frames * FRAME]`.
        """
        ...


class SpeechDetector(Protocol):
    def open(self) -> SpeechStream:
        """Opens a new stream for a recording. Streams may run in several threads at once."""
        ...


class VoiceEncoder(Protocol):
    """Computes vectors of voices. Similar voices have a high cosine similarity."""

    def embed(self, clips: Floats) -> Floats:
        """Maps clips `[clips, samples]` to unit vectors `[clips, dimensions]`.

        Each clip has `SECONDS` (see `speakers/clips.py`).
        """
        ...


@dataclass(frozen=True)
class DecodingOptions:
    """Options for the transcription of a window."""

    language: str
    translate: bool
    prompt: str | None
    temperatures: Sequence[float]
    """Tried in order while the text repeats itself or is improbable."""
    words: bool
    hotwords: str | None = None
    """Words and names that the model prefers where they fit."""
    logprobs: bool = False
    """Report the log probability of each token of the text."""


class Recogniser(Protocol):
    """Transcribes windows of at most 30 seconds, independent of each other."""

    languages: list[str]
    """The values that `DecodingOptions.language` may have: codes such as `en`."""

    def encode(self, samples: Floats) -> Any:
        """Encodes samples `[samples]`; `detect` and `read` take the result."""
        ...

    def detect(self, encoded: Any) -> Mapping[str, float]:
        """The probability of each language, by its code."""
        ...

    def read(self, encoded: Any, reading: DecodingOptions) -> list[dict[str, Any]]:
        """Transcribes a window: the contract's segments without `id`. Times are seconds from the window's start."""
        ...

    def describe(self) -> tuple[Runtime, str]:
        """The runtime and the dtype of the computation."""
        ...


class CharacterModel(Protocol):
    """A CTC model of characters, such as wav2vec 2.0, for the times of words."""

    languages: Sequence[str]
    """The languages whose speech the model knows: codes such as `en`."""
    characters: Mapping[str, int]
    """The token of each character; all letters are in one case. Special tokens are left out."""
    blank: int
    """The token of CTC's blank."""
    separator: int | None
    """The token between words."""
    least_samples: int
    """The shortest sound that `emit` takes, in samples."""

    def emit(self, samples: Floats) -> Floats:
        """Maps samples `[samples]` to log probabilities `[frames, characters]`, with frames of equal length."""
        ...


@dataclass(frozen=True)
class Models:
    recogniser: Recogniser
    detector: SpeechDetector
    voices: VoiceEncoder | None = None
    aligner: CharacterModel | None = None
