"""The bare loop that transcription is measured against: faster-whisper with the same options, without a service.

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
        # The ladder of temperatures, beam and thresholds are the library's defaults, which the service has too.
        segments, _ = model.transcribe(path, language=language)
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
