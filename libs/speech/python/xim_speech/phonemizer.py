"""Phonemes of a text, from espeak-ng in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_PROGRAM = Path(__file__).with_name("espeak_process.py")
# A pipe holds a line of this size whole, so that neither side waits for the other to read.
_MOST_CHARACTERS = 8_000


class Phonemizer:
    """Safe to call from several threads. A process that died is replaced by the next call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def phonemize(self, voice: str, texts: Sequence[str]) -> list[str]:
        """IPA for each text, empty where it has nothing to say. `voice` is espeak-ng's, such as `en-us`.

        Raises ValueError for a voice that espeak-ng does not have, RuntimeError when its process died.
        """
        phonemes: list[str] = []
        batch: list[str] = []
        size = 0
        for text in texts:
            if batch and size + len(text) > _MOST_CHARACTERS:
                phonemes += self._ask(voice, batch)
                batch, size = [], 0
            batch.append(text)
            size += len(text)
        return phonemes + (self._ask(voice, batch) if batch else [])

    def close(self) -> None:
        with self._lock:
            self._end()

    def _ask(self, voice: str, texts: list[str]) -> list[str]:
        with self._lock:
            process = self._process = self._process or self._start()
            assert process.stdin is not None and process.stdout is not None
            try:
                process.stdin.write(json.dumps({"voice": voice, "texts": texts}) + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except OSError:
                line = ""
            if not line:
                raise RuntimeError(f"the process of espeak-ng ended ({self._end()})")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"])
        spoken: list[str] = answer["phonemes"]
        return spoken

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, str(_PROGRAM)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def _end(self) -> str:
        process, self._process = self._process, None
        if process is None:
            return "it does not run"
        process.kill()
        code = process.wait()
        for pipe in (process.stdin, process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass  # what it was to read is lost with it
        return f"exit code {code}"
