"""The task `transcribe`: says when, not what. A WAV file in, a segment for every two seconds of it out."""

from __future__ import annotations

import io
import wave
import zlib
from collections.abc import Callable, Generator, Iterator

from xim_worker import Context, Info, InvalidInput, Media, TranscribeEvent, TranscribeInput
from xim_worker.tasks import Segment, TranscribeStart, Word

from .start import Pace, describe, start
from .tokenizer import echo_tokenizer

SEGMENT_SECONDS = 2.0


class Transcribe:
    """A CallHandler. A step is one segment."""

    def load(self, context: Context) -> Info:
        self._faults = start(context)
        self._tokenizer = echo_tokenizer()
        self._rate: float = context.options.get("rate", 0)
        return describe(context)

    def run(
        self, request: TranscribeInput, cancelled: Callable[[], bool]
    ) -> Generator[TranscribeEvent | None, None, None]:
        self._faults.call()
        duration = _duration(request["audio"])
        spoken = request.get("language")
        language = spoken or "en"
        begun: TranscribeStart = {"type": "start", "duration": duration, "language": language}
        if not spoken:
            begun["languageProbability"] = 1.0
        yield begun
        pace = Pace(self._rate)
        for number in range(int(-(-duration // SEGMENT_SECONDS))):
            pace.wait()
            self._faults.step(1)
            begin, end = number * SEGMENT_SECONDS, min((number + 1) * SEGMENT_SECONDS, duration)
            yield {"type": "segment", "segment": self._segment(number, begin, end, request)}
            yield {"type": "progress", "seconds": end}
        yield {"type": "end", "duration": duration, "language": language}

    def _segment(self, number: int, begin: float, end: float, request: TranscribeInput) -> Segment:
        text = f" From {begin:.1f} to {end:.1f} seconds."
        segment: Segment = {
            "id": number,
            "start": begin,
            "end": end,
            "text": text,
            "tokens": self._tokenizer.encode(text, special=False),
            "temperature": request.get("temperature", 0.0),
            "averageLogprob": -0.1,
            "compressionRatio": len(text) / len(zlib.compress(text.encode())),
            "noSpeechProbability": 0.0,
        }
        hints = request.get("speakers")
        if hints is not None:
            segment["speaker"] = f"SPEAKER_{number % (hints.get('count') or hints.get('max') or 2):02}"
        if request.get("words"):
            segment["words"] = list(_words(segment))
        return segment


def _duration(audio: Media) -> float:
    """Seconds of sound that are really there, whatever the header claims."""
    source = audio["path"] if "path" in audio else io.BytesIO(audio["bytes"])
    try:
        with wave.open(source, "rb") as recording:
            frame_bytes, frames = recording.getsampwidth() * recording.getnchannels(), 0
            while chunk := recording.readframes(1 << 16):
                frames += len(chunk) // frame_bytes
            duration = frames / recording.getframerate()
    except (wave.Error, EOFError, OSError, ZeroDivisionError) as error:
        raise InvalidInput(f"The recording could not be read as WAV ({error}).", "audio") from error
    if duration == 0:
        raise InvalidInput("The recording has no sound in it.", "audio")
    return duration


def _words(segment: Segment) -> Iterator[Word]:
    words = segment["text"].split()
    each = (segment["end"] - segment["start"]) / len(words)
    for number, word in enumerate(words):
        begin = segment["start"] + number * each
        timed: Word = {"word": word, "start": begin, "end": begin + each, "probability": 1.0}
        if "speaker" in segment:
            timed["speaker"] = segment["speaker"]
        yield timed
