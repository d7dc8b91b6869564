"""The bare loop that transcription is measured against: faster-whisper with the options of the service, without one.

usage: bare_whisper.py FOLDER THREADS STREAMS

Reads lines `{"paths": [file…], "language": "en"}`; answers each with `{"seconds", "total": [s…], "texts": […]}`.
`STREAMS` threads take the files one by one, each with its share of the threads.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from faster_whisper import WhisperModel

# The options with which the service decodes a request that gives a language and turns voice activity off. No batches:
# both decode one window after the other, and several at once in threads.
OPTIONS: dict[str, Any] = {
    "task": "transcribe",
    "beam_size": 5,
    "best_of": 5,
    "patience": 1,
    "length_penalty": 1,
    "repetition_penalty": 1,
    "no_repeat_ngram_size": 0,
    "temperature": [0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
    "compression_ratio_threshold": 2.4,
    "log_prob_threshold": -1.0,
    "no_speech_threshold": 0.6,
    "condition_on_previous_text": True,
    "prompt_reset_on_temperature": 0.5,
    "suppress_blank": True,
    "suppress_tokens": [-1],
    "without_timestamps": False,
    "max_initial_timestamp": 1.0,
    "word_timestamps": False,
    "multilingual": False,
    "vad_filter": False,
}


def main() -> None:
    folder, threads, streams = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    model = WhisperModel(
        folder,
        device="cpu",
        compute_type="int8",
        cpu_threads=max(1, threads // streams),
        num_workers=streams,
        local_files_only=True,
    )

    def transcribe(path: str, language: str) -> tuple[float, str]:
        began = time.perf_counter()
        segments, _ = model.transcribe(path, language=language, **OPTIONS)
        text = "".join(segment.text for segment in segments)
        return time.perf_counter() - began, text.strip()

    with ThreadPoolExecutor(streams) as pool:
        for line in sys.stdin:
            print(json.dumps(run(pool, transcribe, **json.loads(line))), flush=True)


def run(pool: ThreadPoolExecutor, transcribe: Any, paths: list[str], language: str) -> dict[str, Any]:
    began = time.perf_counter()
    done = list(pool.map(lambda path: transcribe(path, language), paths))
    return {
        "seconds": time.perf_counter() - began,
        "total": [total for total, _ in done],
        "texts": [text for _, text in done],
    }


main()
