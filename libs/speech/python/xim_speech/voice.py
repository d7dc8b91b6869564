"""What the runtime needs to know of a voice, whatever its layout is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .language import Language
from .synthesizer import Int64s


class Voice(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def sample_rate(self) -> int: ...
    @property
    def espeak_voice(self) -> str:
        """espeak-ng's name of the voice that makes the phonemes, such as `en-us`."""
        ...

    @property
    def language(self) -> Language: ...
    @property
    def speakers(self) -> tuple[str, ...]:
        """Names by number; empty for a voice of one speaker."""
        ...

    @property
    def length_scale(self) -> float:
        """The pace of the voice at speed 1."""
        ...

    def to_utterances(self, clauses: Sequence[tuple[str, str]]) -> list[Int64s]:
        """The numbers of a sentence's phonemes, in as many parts as the model needs; empty without phonemes.

        A clause is its IPA and the mark after it.
        """
        ...
