"""Keeps the samples of one recording on disk, not in memory: an hour has 115 MB."""

from __future__ import annotations

import tempfile
from types import TracebackType

import numpy as np

from .models import RATE, Floats


class Recording:
    """Samples as 16-bit integers in an unnamed file, which the system deletes however the process ends."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self.samples = 0

    @property
    def seconds(self) -> float:
        return self.samples / RATE

    def append(self, samples: Floats) -> None:
        self._file.write((samples * 32767).round().astype("<i2").tobytes())
        self.samples += len(samples)

    def read(self, begin: int, end: int) -> Floats:
        self._file.seek(2 * begin)
        data = self._file.read(2 * (end - begin))
        samples: Floats = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32767)
        return samples

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
