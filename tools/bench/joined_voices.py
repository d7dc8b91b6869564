"""Joins recordings of two voices, and of these with a third, with gaps and levels by chance.

usage: joined_voices.py CLIPS VOICE.onnx FOLDER

CLIPS holds the recordings of two speakers; the third voice is a voice of piper. Writes WAV files at 16 kHz and
`joins.json`, a list of `{"file", "turns": [{"start", "end", "voice"}…]}`, times in seconds.
"""

from __future__ import annotations

import json
import random
import sys
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
from xim_audio import AudioEncoder, decode
from xim_engine_oneapi.speak import open_synthesizer
from xim_speech.normalize import normalize
from xim_speech.phonemizer import Phonemizer
from xim_speech.piper import read_piper_voice
from xim_speech.sentences import split_clauses
from xim_speech.synthesizer import Utterance
from xim_worker import Context, Plan

Sound = npt.NDArray[np.float32]

JOINS = 6
RATE = 16_000
_SENTENCES = (
    "The harbour of the old town lies behind a long wall of stone.",
    "In winter the wind is strong, and the boats stay behind the wall.",
    "Nobody knew how the letter had come to the house on the hill.",
)
_HALF = 88_000
"""Samples of the first sentence of the clip `jfk`."""


def main() -> None:
    clips, weights, folder = (Path(argument) for argument in sys.argv[1:4])
    kennedy = _load(str(clips / "jfk.ogg"))
    voices = {
        "austen": [_load(str(path)) for path in sorted(clips.glob("austen-*.ogg"))],
        "jfk": [kennedy[:_HALF], kennedy[_HALF:]],
        "piper": _speak(weights),
    }
    joins = []
    for names in (["austen", "jfk"], list(voices)):
        for number in range(JOINS):
            file = folder / f"{len(names)}-{number}.wav"
            joins.append({"file": str(file), "turns": _join({name: voices[name] for name in names}, number, file)})
    (folder / "joins.json").write_text(json.dumps(joins))


def _join(voices: dict[str, list[Sound]], seed: int, file: Path) -> list[dict[str, float | str]]:
    """Every clip once; a voice follows itself only where no other has a clip left."""
    chance = random.Random(seed)
    left = {name: chance.sample(clips, len(clips)) for name, clips in voices.items()}
    turns: list[dict[str, float | str]] = []
    parts: list[Sound] = []
    at = 0
    last = ""
    while any(left.values()):
        others = [name for name, clips in left.items() if clips and name != last]
        last = chance.choice(others) if others else last
        clip = left[last].pop() * np.float32(chance.uniform(0.5, 1))
        gap = np.zeros(int(chance.uniform(0.2, 0.9) * RATE), np.float32)
        turns.append({"start": at / RATE, "end": (at + len(clip)) / RATE, "voice": last})
        parts += [clip, gap]
        at += len(clip) + len(gap)
    with wave.open(str(file), "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(RATE)
        output.writeframes((np.concatenate(parts) * 32767).astype("<i2").tobytes())
    return turns


def _load(audio: str | bytes) -> Sound:
    return np.concatenate(list(decode(audio)))


def _speak(weights: Path) -> list[Sound]:
    voice, phonemizer = read_piper_voice(weights), Phonemizer()
    plan = Plan(threads=1, slots=1, kv_cache_bytes=0, batch_tokens=0)
    context = Context({"id": "bench"}, str(weights.parent), {"streams": 1}, plan, 0, lambda step, fraction: None)
    synthesizer = open_synthesizer(context, [voice])
    sounds: list[Sound] = []
    for seed, sentence in enumerate(_SENTENCES):
        clauses = split_clauses(normalize(sentence, voice.language))
        phonemes = phonemizer.phonemize(voice.espeak_voice, [clause.text for clause in clauses])
        ids = voice.to_ids([(spoken, clause.mark) for spoken, clause in zip(phonemes, clauses, strict=True)])
        samples = synthesizer.speak(voice.name, Utterance(ids, voice.length_scale, 0, seed)).samples
        encoder = AudioEncoder("wav", voice.sample_rate)
        sounds.append(_load(encoder.write(samples) + encoder.finish()))
    phonemizer.close()
    return sounds


main()
