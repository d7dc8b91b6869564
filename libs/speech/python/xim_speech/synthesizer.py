"""The seam between the speech runtime and an engine: a synthesizer computes samples, nothing else."""

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
    """One sentence, ready to be computed."""

    ids: Int64s
    """Phonemes `[tokens]`, as the model numbers them, with its marks of begin and end."""
    pace: float
    """How long it lasts, 1 as the voice speaks: durations are multiplied by it, the pitch stays."""
    speaker: int
    """The speaker's number inside the voice file; 0 where it has one."""
    seed: int
    """Not negative. The same utterance gives the same samples."""


@dataclass(frozen=True)
class Speech:
    samples: Floats
    """`[samples]`, -1 to 1, at the voice's rate."""
    frames: int
    """Units that the model made, such as frames of a spectrogram."""


class Synthesizer(Protocol):
    """Computes utterances for the voices of one model. Knows nothing of requests, text, files of audio or HTTP.

    `speak` is called from `parallel` threads at once. When an engine hands its synthesizer over, every voice has
    spoken once, so that what cannot run has failed with a StartError.
    """

    @property
    def parallel(self) -> int:
        """How many utterances may be computed at once."""
        ...

    def speak(self, voice: str, utterance: Utterance) -> Speech:
        """The samples of an utterance; `voice` is the stem of a voice's file."""
        ...

    def describe(self) -> tuple[Runtime, str]:
        """The runtime and the dtype of the computation, read back after a first utterance."""
        ...
