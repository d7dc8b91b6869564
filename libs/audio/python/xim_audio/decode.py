"""A recording, in any container and codec that FFmpeg reads, as a stream of samples."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from typing import Any

import av
import av.error
import numpy as np
import numpy.typing as npt
from xim_worker import InvalidInput

Floats = npt.NDArray[np.float32]

RATE = 16_000
"""Samples per second of the result of `decode`."""

# Containers of sound and of video, by the names of FFmpeg's demuxers. Playlists (HLS, DASH, concat) are left out: they
# name other files and addresses, which a recording must not make this host read.
_CONTAINERS = (
    "aac,ac3,adts,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,eac3,flac,flv,gsm,loas,matroska,webm,mov,mp4,m4a,3gp,3g2,mp3,"
    "mpeg,mpegts,mxf,ogg,rm,tta,voc,w64,wav,wv"
)
_NO_SOUND = "The recording has no sound in it. Send a file with at least one audio track that holds samples."


def decode(source: str | bytes, most_seconds: float | None = None) -> Generator[Floats, None, None]:
    """Samples of the first audio track at `RATE`, in arrays of about one second.

    `source` is a path or the file's bytes. Neither the name nor the container's duration is trusted: the content says
    which container it is, and the samples say how long it is. Between two arrays the caller may stop; then, and at the
    end, everything is closed. A recording that was cut gives the samples before the cut.

    Raises InvalidInput for `audio`, at the first array or later: empty, unreadable, without sound, longer than
    `most_seconds`.
    """
    most = None if most_seconds is None else int(most_seconds * RATE)
    total = 0
    for samples in _join(_read(source)):
        total += len(samples)
        if most is not None and total > most:
            raise InvalidInput(
                f"The recording is longer than {most_seconds:g} seconds, the limit of this service. Send it in parts.",
                "audio",
            )
        yield samples
    if total == 0:
        raise InvalidInput(_NO_SOUND, "audio")


def _read(source: str | bytes) -> Iterator[Floats]:
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
    # `file:` keeps a name with a colon from being taken for an address.
    file: Any = f"file:{source}" if isinstance(source, str) else io.BytesIO(source)
    try:
        container = av.open(file, options=options, metadata_errors="ignore")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InvalidInput(
            f"The recording could not be read ({_reason(error)}). Send a complete flac, mp3, mp4, mpeg, mpga, m4a, "
            "ogg, wav or webm file.",
            "audio",
        ) from error
    with container:
        streams = container.streams.audio
        if not streams:
            raise InvalidInput(_NO_SOUND, "audio")
        yield from _Samples(streams[0]).read(container)


class _Samples:
    """Decodes one track; a track whose rate or channels change midway gets a new resampler."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._resampler: av.AudioResampler | None = None
        self._shape: tuple[Any, ...] | None = None

    def read(self, container: Any) -> Iterator[Floats]:
        damage: Exception | None = None
        total = 0
        packets = container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                frames = [] if packet is None else packet.decode()
            except (av.error.FFmpegError, OSError) as error:
                # One damaged packet is left out; a file that cannot be read on ends here.
                damage = error
                if isinstance(error, av.error.InvalidDataError):
                    continue
                packet, frames = None, []
            for frame in frames:
                for samples in self._resample(frame):
                    total += len(samples)
                    yield samples
            if packet is None:
                break
        for samples in self._flush():
            total += len(samples)
            yield samples
        if total == 0 and damage is not None:
            raise InvalidInput(
                f"The recording's audio track could not be decoded ({_reason(damage)}). Send the file again, complete.",
                "audio",
            ) from damage

    def _resample(self, frame: Any) -> Iterator[Floats]:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            yield from self._flush()
            # Integers: only for them the mix of several channels is scaled so that it does not clip.
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            self._shape = shape
        # Times of a damaged or spliced file jump; samples only follow each other.
        frame.pts = None
        assert self._resampler is not None
        yield from _arrays(self._resampler.resample(frame))

    def _flush(self) -> Iterator[Floats]:
        if self._resampler is not None:
            yield from _arrays(self._resampler.resample(None))
            self._resampler = None


def _arrays(frames: list[Any]) -> Iterator[Floats]:
    for frame in frames:
        if frame.samples:
            yield frame.to_ndarray().reshape(-1).astype(np.float32) / 32768


def _join(parts: Iterator[Floats]) -> Iterator[Floats]:
    """Arrays of about a second each: a codec's frame may be 2 ms long, or a whole file."""
    waiting: list[Floats] = []
    count = 0
    for part in parts:
        for begin in range(0, len(part), RATE):
            piece = part[begin : begin + RATE]
            waiting.append(piece)
            count += len(piece)
            if count >= RATE:
                yield np.concatenate(waiting)
                waiting, count = [], 0
    if waiting:
        yield np.concatenate(waiting)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)
