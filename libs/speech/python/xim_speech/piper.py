"""Reads voices in piper's layout: `<voice>.onnx` with `<voice>.onnx.json` beside it.

Source of the layout: https://github.com/OHF-Voice/piper1-gpl/blob/main/docs/TRAINING.md and the configuration files of
https://huggingface.co/rhasspy/piper-voices. This file contains none of piper's code.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from xim_worker import StartError

from .language import Language, find_language
from .synthesizer import Int64s

_BEGIN, _END, _PAD = "^", "$", "_"
# The mark with which espeak-ng switches to another language for a word.
SWITCH = re.compile(r"\([a-z]{2,3}(?:-[a-z]+)*\)")


@dataclass(frozen=True)
class PiperVoice:
    name: str
    """The stem of the file."""
    sample_rate: int
    espeak_voice: str
    language: Language
    speakers: tuple[str, ...]
    """The names, in the order of the speaker numbers; empty for a voice with one speaker."""
    noise_scale: float
    noise_w: float
    length_scale: float
    ids: dict[str, list[int]] = field(repr=False)

    def to_ids(self, clauses: Sequence[tuple[str, str]]) -> Int64s:
        """The phoneme ids of a sentence, `[tokens]`; empty without phonemes. A clause is its IPA and its mark."""
        symbols: list[str] = []
        for phonemes, mark in clauses:
            spoken = unicodedata.normalize("NFD", SWITCH.sub("", phonemes)).strip()
            if spoken:
                symbols += [*([" "] if symbols else []), *spoken, mark]
        numbers = [number for symbol in symbols for number in self._padded(symbol)]
        if not any(symbol.isalpha() and symbol in self.ids for symbol in symbols):
            return np.zeros(0, np.int64)
        return np.array([*self._padded(_BEGIN), *numbers, *self.ids[_END]], np.int64)

    def to_utterances(self, clauses: Sequence[tuple[str, str]]) -> list[Int64s]:
        """The utterance of a sentence, whatever its length; none for a sentence without phonemes."""
        ids = self.to_ids(clauses)
        return [ids] if len(ids) else []

    def _padded(self, symbol: str) -> list[int]:
        """The ids of a symbol, each followed by the pad; empty for a symbol that the voice does not have."""
        numbers = self.ids.get(symbol)
        return [] if numbers is None else [*numbers, *self.ids[_PAD]]


def read_piper_voice(weights: Path) -> PiperVoice:
    """Reads a voice. Raises StartError for a configuration that is missing, invalid or not supported."""
    file = weights.with_name(weights.name + ".json")
    try:
        config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return _to_voice(weights.stem, config)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StartError(f"{file.name} is not a piper voice's configuration: {error!r}", permanent=True) from error


def _to_voice(name: str, config: dict[str, Any]) -> PiperVoice:
    kind = config.get("phoneme_type", "espeak")
    if kind != "espeak":
        raise StartError(f"{name} wants phonemes of the kind {kind!r}; this runtime makes espeak's", permanent=True)
    ids = {str(symbol): [int(number) for number in numbers] for symbol, numbers in config["phoneme_id_map"].items()}
    missing = [symbol for symbol in (_BEGIN, _END, _PAD) if symbol not in ids]
    if missing:
        raise StartError(f"{name} has no number for {' '.join(missing)}", permanent=True)
    inference = config.get("inference", {})
    by_number = sorted((int(number), str(speaker)) for speaker, number in config.get("speaker_id_map", {}).items())
    count = int(config.get("num_speakers", 1))
    if count > 1 and [number for number, _ in by_number] != list(range(count)):
        by_number = [(number, str(number)) for number in range(count)]
    espeak_voice = str(config["espeak"]["voice"])
    return PiperVoice(
        name=name,
        sample_rate=int(config["audio"]["sample_rate"]),
        espeak_voice=espeak_voice,
        language=find_language(str(config.get("language", {}).get("code") or espeak_voice)),
        speakers=tuple(speaker for _, speaker in by_number) if count > 1 else (),
        noise_scale=float(inference.get("noise_scale", 0.667)),
        noise_w=float(inference.get("noise_w", 0.8)),
        length_scale=float(inference.get("length_scale", 1)),
        ids=ids,
    )
