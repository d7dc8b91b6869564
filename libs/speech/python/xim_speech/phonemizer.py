"""Converts text to phonemes by espeak-ng, which runs in a separate process."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_PROGRAM = Path(__file__).with_name("espeak_process.py")
# A pipe can buffer a whole line of this size, so no process waits for the other to read.
_MOST_CHARACTERS = 8_000


class Phonemizer:
    """May be called from several threads. If the process has died, the next call starts a new process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def phonemize(self, voice: str, texts: Sequence[str]) -> list[str]:
        """The IPA of each text; empty if the text has no phonemes. `voice` is espeak-ng's name, such as `en-us`.

        Raises ValueError for a voice that espeak-ng does not have, RuntimeError if the process has died.
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
                pass  # the process is dead, so unread input is lost
        return f"exit code {code}"
