"""Reads voices in the layout of Kokoro-82M in ONNX: `tokenizer.json`, and `voices/<voice>.bin` for each voice.

Source of the layout: https://huggingface.co/onnx-community/Kokoro-82M-v1.0-ONNX. Source of the phonemes:
https://github.com/hexgrad/misaki/blob/main/EN_PHONES.md. This file contains none of their code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from xim_worker import StartError

from .language import Language, find_language
from .piper import SWITCH
from .synthesizer import Floats, Int64s

TOKENIZER = "tokenizer.json"
_FOLDER = "voices"
_RATE = 24_000
_PAD = 0
_DIMENSIONS = 256
# Maps the first letter of a voice's name to espeak-ng's voice and CLDR's language. Japanese (j) and Mandarin (z)
# voices were trained on phonemes that espeak-ng does not make.
_LANGUAGES = {
    "a": ("en-us", "en-us"),
    "b": ("en-gb-x-rp", "en-gb"),
    "e": ("es", "es"),
    "f": ("fr-fr", "fr"),
    "h": ("hi", "hi"),
    "i": ("it", "it"),
    "p": ("pt-br", "pt-br"),
}
# Maps espeak-ng's IPA to the symbols of the model: one letter for a diphthong or an affricate.
_SHARED = [("dʒ", "ʤ"), ("tʃ", "ʧ"), ("eɪ", "A"), ("aɪ", "I"), ("aʊ", "W"), ("ɔɪ", "Y"), ("r", "ɹ"), ("ɐ", "ə")]
_ENGLISH = {
    "a": [*_SHARED, ("oʊ", "O"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɚ", "əɹ"), ("əl", "ᵊl"), ("ː", "")],
    "b": [*_SHARED, ("əʊ", "Q"), ("əl", "ᵊl"), ("iə", "ɪə")],
}


@dataclass(frozen=True)
class KokoroVoice:
    name: str
    """The stem of the file; the first letter is the language, the second letter the sex."""
    espeak_voice: str
    language: Language
    ids: dict[str, int] = field(repr=False)
    styles: Floats = field(repr=False)
    """`[phonemes, 256]`: row n is the style of an utterance with n phonemes."""
    sample_rate: int = _RATE
    speakers: tuple[str, ...] = ()
    length_scale: float = 1.0

    def to_utterances(self, clauses: Sequence[tuple[str, str]]) -> list[Int64s]:
        """The phoneme ids of a sentence, with pads at both ends.

        A sentence with more phonemes than styles is cut, if possible at a space.
        """
        text = ""
        for ipa, mark in clauses:
            spoken = self._to_symbols(ipa)
            if spoken:
                text += (" " if text else "") + spoken + mark
        if not any(symbol.isalpha() and symbol in self.ids for symbol in text):
            return []
        known = "".join(symbol for symbol in text if symbol in self.ids)
        longest = len(self.styles) - 1
        parts: list[str] = []
        while len(known) > longest:
            at = known.rfind(" ", 1, longest + 1)
            at = longest if at < 0 else at
            parts.append(known[:at])
            known = known[at:].lstrip(" ")
        parts.append(known)
        return [np.array([_PAD, *(self.ids[symbol] for symbol in part), _PAD], np.int64) for part in parts if part]

    def style(self, count: int) -> Floats:
        """The style `[1, 256]` of an utterance with `count` phoneme ids, including the pads at both ends."""
        style: Floats = self.styles[min(count - 2, len(self.styles) - 1)][None]
        return style

    def _to_symbols(self, ipa: str) -> str:
        symbols = re.sub(r"\s+", " ", SWITCH.sub("", ipa)).strip()
        for written, symbol in _ENGLISH.get(self.name[0], []):
            symbols = symbols.replace(written, symbol)
        return symbols


def find_kokoro_voices(folder: Path) -> dict[str, Path]:
    """Maps the names of the voices to their files; empty for a folder in another layout."""
    if not (folder / TOKENIZER).is_file():
        return {}
    return {file.stem: file for file in sorted((folder / _FOLDER).glob("*.bin"))}


def read_kokoro_voice(file: Path) -> KokoroVoice:
    """Reads a voice. Raises StartError for a file that is not a voice, and for a language without phonemes here."""
    name = file.stem
    if name[:1] not in _LANGUAGES:
        raise StartError(
            f"the voice {name} cannot speak here: its first letter is none of {', '.join(_LANGUAGES)}, the languages "
            "that have phonemes of espeak-ng; leave it out of the profile's voices",
            permanent=True,
        )
    numbers = np.fromfile(file, "<f4")
    if len(numbers) == 0 or len(numbers) % _DIMENSIONS or not np.isfinite(numbers).all():
        raise StartError(f"{file.name} is no voice of Kokoro: expected rows of {_DIMENSIONS} float32", permanent=True)
    espeak_voice, language = _LANGUAGES[name[0]]
    styles: Floats = numbers.reshape(-1, _DIMENSIONS).astype(np.float32)
    return KokoroVoice(name, espeak_voice, find_language(language), _read_symbols(file.parents[1]), styles)


def _read_symbols(folder: Path) -> dict[str, int]:
    try:
        content: dict[str, Any] = json.loads((folder / TOKENIZER).read_text(encoding="utf-8"))
        return {str(symbol): int(number) for symbol, number in content["model"]["vocab"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StartError(f"{TOKENIZER} has no vocabulary of phonemes: {error!r}", permanent=True) from error
