"""The bare loop that speech is measured against: the same voice and its preparation, without a service around it.

usage: bare_speech.py VOICE.onnx THREADS STREAMS

Reads lines `{"texts": [[sentence…]…], "encode": true}`; answers each with `{"seconds", "first": [s…], "total": [s…]}`.
`STREAMS` threads take the texts one by one, each with its share of the model's threads. A sentence's phonemes are made
by espeak-ng in this process's child, as the service does, and its sound is encoded as mp3 if `encode` says so.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from xim_audio import AudioEncoder
from xim_engine_oneapi.speak import open_synthesizer
from xim_speech.normalize import normalize
from xim_speech.phonemizer import Phonemizer
from xim_speech.piper import read_piper_voice
from xim_speech.sentences import split_clauses
from xim_speech.synthesizer import Utterance
from xim_worker import Context, Plan


def main() -> None:
    weights, threads, streams = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    voice = read_piper_voice(weights)
    context = Context(
        model={"id": "bench"},
        model_path=str(weights.parent),
        options={"streams": streams},
        plan=Plan(threads=threads, slots=streams, kv_cache_bytes=0, batch_tokens=0),
        rank=0,
        progress=lambda step, fraction: None,
    )
    synthesizer, phonemizer = open_synthesizer(context, [voice]), Phonemizer()

    def speak(sentences: list[str], encode: bool) -> tuple[float, float]:
        began, first = time.perf_counter(), 0.0
        encoder = AudioEncoder("mp3", voice.sample_rate) if encode else None
        for seed, sentence in enumerate(sentences):
            clauses = split_clauses(normalize(sentence, voice.language))
            phonemes = phonemizer.phonemize(voice.espeak_voice, [clause.text for clause in clauses])
            ids = voice.to_ids([(spoken, clause.mark) for spoken, clause in zip(phonemes, clauses, strict=True)])
            speech = synthesizer.speak(voice.name, Utterance(ids, voice.length_scale, 0, seed, is_repeatable=False))
            if encoder is not None:
                # The pause that the service leaves after a sentence is sound to encode too.
                encoder.write(np.concatenate([speech.samples, np.zeros(voice.sample_rate // 5, np.float32)]))
            first = first or time.perf_counter() - began
        if encoder is not None:
            encoder.finish()
        return first, time.perf_counter() - began

    with ThreadPoolExecutor(streams) as pool:
        for line in sys.stdin:
            print(json.dumps(run(pool, speak, **json.loads(line))), flush=True)
    phonemizer.close()


def run(pool: ThreadPoolExecutor, speak: Any, texts: list[list[str]], encode: bool) -> dict[str, Any]:
    began = time.perf_counter()
    times = list(pool.map(lambda sentences: speak(sentences, encode), texts))
    return {
        "seconds": time.perf_counter() - began,
        "first": [first for first, _ in times],
        "total": [total for _, total in times],
    }


main()
