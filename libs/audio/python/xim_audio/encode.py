"""Samples to the formats that clients play, piece by piece."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Protocol

import av
import lameenc
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

OUTPUT_RATE = 24_000
"""Samples per second of every format, at any rate of the voice."""

_UNKNOWN_SIZE = 0xFFFFFFFF


@dataclass(frozen=True)
class _Codec:
    container: str
    name: str
    bit_rate: int | None = None
    options: tuple[tuple[str, str], ...] = ()
    """Of the container."""
    effort: tuple[tuple[str, str], ...] = ()
    """Options of the encoder: for speech the defaults cost two to three times more and sound alike."""


_CODECS = {
    # A page for each packet, so that each packet is sent at once. bitexact: else the number of the stream is random.
    "opus": _Codec(
        "ogg",
        "libopus",
        48_000,
        (("page_duration", "20000"), ("fflags", "+bitexact")),
        effort=(("compression_level", "5"),),
    ),
    "aac": _Codec("adts", "aac", 96_000, effort=(("aac_coder", "fast"),)),
    "flac": _Codec("flac", "flac"),
    "wav": _Codec("s16le", "pcm_s16le"),
    "pcm": _Codec("s16le", "pcm_s16le"),
}

FORMATS = ("mp3", *_CODECS)
"""`pcm` is signed 16-bit little-endian samples without a header."""


class AudioEncoder:
    """Turns float32 samples at `rate` into a file of the format, mono at `OUTPUT_RATE`.

    `write` and `finish` return the bytes that are complete by then, perhaps none; joined in order they are the file.
    A `wav` stream begins with a header of unknown length (0xFFFFFFFF); a caller that holds the whole file writes
    `wav_header(len(data))` and the bytes of `pcm` instead.
    """

    def __init__(self, format: str, rate: int) -> None:
        if format not in FORMATS:
            raise ValueError(f"format is {format!r}; expected one of {', '.join(FORMATS)}")
        self._rate = rate
        self._samples = 0
        self._file: _File = _Mp3() if format == "mp3" else _Container(format)

    def write(self, samples: Floats) -> bytes:
        """Adds samples; values beyond -1 to 1 are cut to it."""
        if len(samples) == 0:
            return b""
        planar = np.clip(samples, -1.0, 1.0).astype(np.float32, copy=False).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(planar, format="flt", layout="mono")
        frame.sample_rate = self._rate
        frame.pts = self._samples
        self._samples += len(samples)
        return self._file.write(frame)

    def finish(self) -> bytes:
        """The rest of the file. Called once, last. Less than 0.1 seconds are filled up with silence."""
        start = b""
        if self._samples < self._rate // 10:
            # Encoders need some samples before they write a header.
            start = self.write(np.zeros(self._rate // 10 - self._samples, np.float32))
        return start + self._file.finish()


class _File(Protocol):
    def write(self, frame: av.AudioFrame) -> bytes: ...

    def finish(self) -> bytes: ...


class _Container:
    """A file that FFmpeg encodes."""

    def __init__(self, format: str) -> None:
        codec = _CODECS[format]
        self._sink = _Sink()
        if format == "wav":
            self._sink.write(wav_header(None))
        self._container: Any = av.open(self._sink, "w", format=codec.container, options=dict(codec.options))
        self._stream: Any = self._container.add_stream(codec.name, rate=OUTPUT_RATE, layout="mono")
        if codec.bit_rate is not None:
            self._stream.bit_rate = codec.bit_rate
        self._stream.codec_context.options = dict(codec.effort)

    def write(self, frame: av.AudioFrame) -> bytes:
        self._container.mux(self._stream.encode(frame))
        return self._sink.take()

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._sink.take()


class _Mp3:
    """A file of LAME's frames and nothing else. LAME in PyAV's wheel gives the same, and takes three times as long."""

    def __init__(self) -> None:
        self._resampler = av.AudioResampler("s16", "mono", OUTPUT_RATE)
        self._lame = lameenc.Encoder()
        self._lame.set_in_sample_rate(OUTPUT_RATE)
        self._lame.set_channels(1)
        self._lame.set_bit_rate(96)
        self._lame.set_quality(7)
        self._lame.silence()

    def write(self, frame: av.AudioFrame | None) -> bytes:
        resampled = self._resampler.resample(frame)
        return b"".join(self._lame.encode(part.to_ndarray().tobytes()) for part in resampled)

    def finish(self) -> bytes:
        return self.write(None) + bytes(self._lame.flush())


def wav_header(data_bytes: int | None) -> bytes:
    """The 44 bytes before the samples of a WAV file in 16 bits, mono at `OUTPUT_RATE`. None: the length is unknown.

    Source of the layout: Multimedia Programming Interface and Data Specifications 1.0 (RIFF, WAVE).
    """
    riff, data = (_UNKNOWN_SIZE, _UNKNOWN_SIZE) if data_bytes is None else (36 + data_bytes, data_bytes)
    shape = struct.pack("<IHHIIHH", 16, 1, 1, OUTPUT_RATE, 2 * OUTPUT_RATE, 2, 16)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " + shape + b"data" + struct.pack("<I", data)


class _Sink:
    """The output of the muxer. It cannot seek, so the muxer writes no header twice."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
