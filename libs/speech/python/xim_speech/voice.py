"""The properties of a voice that the runtime needs, for every layout."""

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
        """The name of the espeak-ng voice that makes the phonemes, such as `en-us`."""
        ...

    @property
    def language(self) -> Language: ...
    @property
    def speakers(self) -> tuple[str, ...]:
        """The names, in the order of the speaker numbers; empty for a voice with one speaker."""
        ...

    @property
    def length_scale(self) -> float:
        """The `pace` of an utterance at speed 1."""
        ...

    def to_utterances(self, clauses: Sequence[tuple[str, str]]) -> list[Int64s]:
        """The phoneme ids of a sentence, `[tokens]`, in as many parts as the model needs; empty without phonemes.

        A clause is its IPA and the mark after it.
        """
        ...
