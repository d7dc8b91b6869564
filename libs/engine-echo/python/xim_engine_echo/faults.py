"""Misbehaviour for tests, armed by the profile's option `faults` and never by what a caller sends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any

from xim_worker import StartError


class Faults:
    """`tokens` are whatever the task counts: tokens, texts, segments, pieces of audio, steps of a picture."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._fail_start: str | None = options.get("failStart")
        self._fail_calls: int = options.get("failCalls", 0)
        self._die_after: float = options.get("dieAfterTokens", float("inf"))
        self._hang_after: float = options.get("hangAfterTokens", float("inf"))
        self._exit_code: int = options.get("exitCode", 1)
        self._signal: str | None = options.get("signal")
        self._tokens = 0

    def load(self) -> None:
        if self._fail_start is not None:
            print(f"failing the start, as the profile asks ({self._fail_start})", file=sys.stderr)
            raise StartError("the profile asks for a failed start", permanent=self._fail_start == "permanent")

    def call(self) -> None:
        """Once per call, before its first event: an exception here is an engine that lives and a call that failed."""
        if self._fail_calls > 0:
            self._fail_calls -= 1
            raise RuntimeError("the profile asks for a failed call")

    def step(self, tokens: int) -> None:
        """Before a step that makes `tokens` more."""
        if self._tokens >= self._die_after:
            print(f"dying after {self._tokens} tokens, as the profile asks", file=sys.stderr, flush=True)
            if self._signal is not None:
                os.kill(os.getpid(), signal.Signals[self._signal])
            os._exit(self._exit_code)
        if self._tokens >= self._hang_after:
            # PyDLL keeps Python's lock during the call, as the native step of a real engine does.
            ctypes.PyDLL(None).sleep(3600)
        self._tokens += tokens
