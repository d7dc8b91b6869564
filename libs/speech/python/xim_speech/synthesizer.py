"""The interface between the speech runtime and an engine: a synthesizer only computes samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from xim_worker import Runtime

Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Utterance:
    """One sentence as input of the synthesizer."""

    ids: Int64s
    """Phoneme ids of the model, `[tokens]`, with its begin and end marks."""
    pace: float
    """Factor for the durations; 1 is the voice's normal pace. The pitch does not change."""
    speaker: int
    """The speaker's number inside the voice file; 0 for a voice with one speaker."""
    seed: int
    """Not negative; the start of the noise."""
    is_repeatable: bool = True
    """The same utterance gives the same samples, bit for bit, whatever else is computed beside it. Otherwise an engine
    may choose the number of threads by the load, and the rounding of the last bits changes with it."""


@dataclass(frozen=True)
class Speech:
    samples: Floats
    """`[samples]`, -1 to 1, at the voice's sample rate."""
    frames: int
    """Number of units that the model computed, such as frames of a spectrogram."""


class Synthesizer(Protocol):
    """Computes utterances for the voices of one model. Requests, text, audio files and HTTP are outside this interface.

    The runtime calls `speak` from up to `parallel` threads at once. An engine runs every voice once before it returns
    the synthesizer, so a voice that cannot run fails at the start with a StartError.
    """

    @property
    def parallel(self) -> int:
        """Number of utterances that may be computed at once."""
        ...

    def speak(self, voice: str, utterance: Utterance) -> Speech:
        """Computes the samples of an utterance; `voice` is the stem of the voice's file."""
        ...

    def describe(self) -> tuple[Runtime, str]:
        """The runtime and the dtype of the computation, as reported by the runtime after the first utterance."""
        ...
