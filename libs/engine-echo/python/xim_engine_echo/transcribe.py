"""The task `transcribe`: says when, not what. A WAV file in, a segment for every two seconds of it out."""

from __future__ import annotations

import io
import math
import wave
import zlib
from collections.abc import Callable, Generator, Iterator

from xim_worker import Context, Info, InvalidInput, Media, TranscribeEvent, TranscribeInput
from xim_worker.tasks import Segment, SpeakersHint, TokenChance, TranscribeStart, Usage, Word

from .start import Pace, describe, start
from .tokenizer import echo_tokenizer

SEGMENT_SECONDS = 2.0
# Whisper's encoder gives as many positions.
TOKENS_PER_SECOND = 50


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
        for speaker in request.get("speakers", {}).get("known", []):
            _duration(speaker["audio"])
        begun: TranscribeStart = {"type": "start", "duration": duration, "language": language}
        if not spoken:
            begun["languageProbability"] = 1.0
        yield begun
        pace, written = Pace(self._rate), 0
        for number in range(int(-(-duration // SEGMENT_SECONDS))):
            pace.wait()
            self._faults.step(1)
            begin, end = number * SEGMENT_SECONDS, min((number + 1) * SEGMENT_SECONDS, duration)
            segment = self._segment(number, begin, end, request)
            written += len(segment["tokens"])
            yield {"type": "segment", "segment": segment}
            yield {"type": "progress", "seconds": end}
        usage: Usage = {"inputTokens": math.ceil(duration * TOKENS_PER_SECOND), "outputTokens": written}
        yield {"type": "end", "duration": duration, "language": language, "usage": usage}

    def _segment(self, number: int, begin: float, end: float, request: TranscribeInput) -> Segment:
        opening = " In English, from" if request.get("translate") else " From"
        text = f"{opening} {begin:.1f} to {end:.1f} seconds."
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
            segment["speaker"] = _speaker(number, hints)
        if request.get("words"):
            segment["words"] = list(_words(segment))
        if request.get("logprobs"):
            segment["logprobs"] = [self._chance(token) for token in segment["tokens"]]
        return segment

    def _chance(self, token: int) -> TokenChance:
        spelled = self._tokenizer.to_bytes([token])[0]
        text = spelled.decode("utf-8", "replace")
        return {"id": token, "token": text, "bytes": list(spelled), "logprob": -0.1}


def _speaker(number: int, hints: SpeakersHint) -> str:
    """Speakers take turns; those who are known come first."""
    known = hints.get("known", [])
    turn = number % (hints.get("count") or hints.get("max") or max(2, len(known)))
    return known[turn]["name"] if turn < len(known) else f"SPEAKER_{turn - len(known):02}"


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
