"""The task `transcribe`, with the models of an engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from xim_worker import Context, Event, Info, InvalidInput, Request, StartError

from .alignment import time_words
from .lanes import MOST_TOGETHER
from .models import FRAME, RATE, DecodingOptions, Floats, Models
from .recording import Recording
from .request import check, to_activity
from .segments import Segments
from .speakers.clips import fill, to_clips
from .speakers.cluster import Hints
from .speakers.identify import THRESHOLD, embed, identify, mean_voice
from .speech import Activity, Span, cut_windows, find_speech
from .window_pool import Line, WindowPool

# Whisper's ladder: the next temperature is tried while the text repeats itself or is improbable.
_LADDER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_SECONDS_PER_SIGN = 60
# Samples per call of the voice activity model: about a second, in whole frames.
_LISTENED = RATE // FRAME * FRAME
_LEAST_CERTAIN = 0.5
_MOST_DETECTIONS = 3
_REFERENCE_SECONDS = 30.0
# A decoder's small products are computed faster by one thread than by several that wait for each other.
_MOST_SINGLE_BYTES = 512 * 2**20
_LARGE_THREADS = 4

Pending = Future[list[dict[str, Any]]]
OpenModels = Callable[[Context, int, Callable[[], None]], Models]


class TranscribeHandler:
    """A CallHandler. Options of the profile:

    - `workers`: passes of the models that run at once (default: one for every thread; for weights of more than
      512 MiB one for every 4 threads). Each has two windows in work: while one is encoded the other waits, and both
      are decoded together
    - `mostSeconds`: the longest recording, in seconds (default 4 hours)
    - `speakerThreshold`: the largest cosine distance of two voices that count as one speaker (default 0.375)

    `load` calls `open_models` with the context, the option `workers` and the pool's `tick`. It raises StartError.
    """

    def __init__(self, open_models: OpenModels) -> None:
        self._open_models = open_models

    def load(self, context: Context) -> Info:
        try:
            from xim_audio import decode
        except ImportError as error:
            raise StartError(
                f"the wheel av cannot be imported ({error}); add it to the app's requirements.in", permanent=True
            ) from error
        self._decode = decode
        options = context.options
        self._lanes = int(options.get("workers", _count_lanes(context)))
        self._workers = self._lanes * MOST_TOGETHER
        self._most_seconds = float(options.get("mostSeconds", 4 * 3600))
        self._threshold = float(options.get("speakerThreshold", THRESHOLD))
        self._pool = WindowPool(self._workers)
        self._models = self._open_models(context, self._lanes, self._pool.tick)
        self._prove(context)
        runtime, dtype = self._models.recogniser.describe()
        return Info(
            runtime=runtime,
            models=[context.model["id"]],
            dtype=dtype,
            slots=context.plan.slots,
            languages=self._models.recogniser.languages,
        )

    def run(self, request: Request, cancelled: Callable[[], bool]) -> Generator[Event | None, None, None]:
        hints, activity = check(request, self._models), to_activity(request)
        with Recording() as recording, closing(self._pool.open(cancelled)) as line:
            yield from self._decode_into(recording, request["audio"], self._most_seconds, cancelled)
            known = yield from self._known_voices(request, line)
            yield from self._transcribe(request, recording, line, hints, known, activity)

    def _transcribe(
        self,
        request: Request,
        recording: Recording,
        line: Line,
        hints: Hints | None,
        known: dict[str, Floats],
        activity: Activity | None,
    ) -> Generator[Event | None, None, None]:
        language, start = request.get("language"), {"type": "start", "duration": recording.seconds}
        if language is not None:
            # A given language is reported at once, before any model runs.
            yield {**start, "language": language}
        probabilities = yield from self._listen(recording, line.cancelled)
        whole = [Span(0, recording.samples)]
        told = activity or Activity()
        spans = find_speech(probabilities, recording.samples, told)
        windows = cut_windows(whole if activity is None else spans, probabilities, recording.samples, told)
        first: Any = None
        if language is None:
            language, certainty, first = yield from self._detect(recording, windows or whole, line)
            yield {**start, "language": language, "languageProbability": certainty}

        voices, turns = self._models.voices, None
        if hints is not None and voices is not None:
            turns = yield from identify(recording, spans, voices, line, hints, self._threshold, known)
        reading = DecodingOptions(
            language=language,
            translate=bool(request.get("translate")),
            prompt=request.get("prompt") or None,
            temperatures=[request["temperature"]] if request.get("temperature") else _LADDER,
            words=bool(request.get("words")) or turns is not None,
            hotwords=", ".join(request.get("hotwords") or []) or None,
            logprobs=bool(request.get("logprobs")),
        )
        segments = Segments(recording.seconds, language, None if activity is None else spans)
        waiting: deque[tuple[Span, Pending]] = deque()
        # The first window shares its pass with no other, so that the first text leaves early.
        most_waiting = self._lanes - 1
        for window in [*windows, *[None] * self._workers]:
            if window is not None:
                waiting.append((window, line.submit(self._reader(recording, window, reading, first))))
                first = None
            if waiting and (window is None or len(waiting) > most_waiting):
                done, future = waiting.popleft()
                most_waiting = self._workers
                for segment in segments.move((yield from line.result(future)), done):
                    for part in [segment] if turns is None else turns.split(segment):
                        yield {"type": "segment", "segment": segments.number(_finish(part, request))}
                yield {"type": "progress", "seconds": min(done.end / RATE, recording.seconds)}
        yield {"type": "end", "duration": recording.seconds, "language": language}

    def _reader(
        self, recording: Recording, window: Span, reading: DecodingOptions, encoded: Any
    ) -> Callable[[], list[dict[str, Any]]]:
        """The job of one window. The samples are read here, because the thread of the call owns the file."""
        recogniser, aligner = self._models.recogniser, self._models.aligner
        if not reading.words or reading.translate or (aligner and reading.language not in aligner.languages):
            aligner = None
        if encoded is not None and aligner is None:
            return lambda: recogniser.read(encoded, reading)
        samples = recording.read(window.begin, window.end)

        def job() -> list[dict[str, Any]]:
            segments = recogniser.read(recogniser.encode(samples) if encoded is None else encoded, reading)
            if aligner is not None:
                for segment in segments:
                    time_words(segment, samples, aligner)
            return segments

        return job

    def _decode_into(
        self, recording: Recording, audio: dict[str, Any], most_seconds: float, cancelled: Callable[[], bool]
    ) -> Generator[None, None, None]:
        with closing(self._decode(audio["path"] if "path" in audio else audio["bytes"], most_seconds)) as parts:
            for number, samples in enumerate(parts, 1):
                recording.append(samples)
                if number % _SECONDS_PER_SIGN == 0 or cancelled():
                    yield None

    def _listen(self, recording: Recording, cancelled: Callable[[], bool]) -> Generator[None, None, Floats]:
        """The probability of speech of each frame, `[frames]`."""
        stream = self._models.detector.open()
        probabilities: list[Floats] = []
        for number, begin in enumerate(range(0, recording.samples, _LISTENED), 1):
            samples = recording.read(begin, min(begin + _LISTENED, recording.samples))
            probabilities.append(stream.add(np.pad(samples, (0, -len(samples) % FRAME))))
            if number % _SECONDS_PER_SIGN == 0 or cancelled():
                yield None
        return np.concatenate(probabilities)

    def _detect(
        self, recording: Recording, windows: Sequence[Span], line: Line
    ) -> Generator[None, None, tuple[str, float, Any]]:
        """The language, its probability, and the first window, encoded. It tries windows until one is certain."""
        recogniser = self._models.recogniser
        sums: dict[str, float] = {}
        first: Any = None
        asked = windows[:_MOST_DETECTIONS]
        for window in asked:
            samples = recording.read(window.begin, min(window.end, window.begin + 30 * RATE))

            def job(samples: Floats = samples) -> tuple[Any, dict[str, float]]:
                encoded = recogniser.encode(samples)
                return encoded, dict(recogniser.detect(encoded))

            encoded, found = yield from line.result(line.submit(job))
            first = encoded if first is None and window == windows[0] else first
            for language, probability in found.items():
                sums[language] = sums.get(language, 0.0) + probability
            best = max(sums, key=lambda language: sums[language])
            if max(found.values()) > _LEAST_CERTAIN:
                best = max(found, key=lambda language: found[language])
                return best, found[best], first
        return best, sums[best] / len(asked), first

    def _known_voices(self, request: Request, line: Line) -> Generator[None, None, dict[str, Floats]]:
        """The voice vector of each known speaker, from the reference clips."""
        voices, known = self._models.voices, (request.get("speakers") or {}).get("known") or []
        found: dict[str, Floats] = {}
        if voices is None:
            return found
        for at, speaker in enumerate(known):
            param = f"speakers.known.{at}.audio"
            with Recording() as reference:
                try:
                    yield from self._decode_into(reference, speaker["audio"], _REFERENCE_SECONDS, line.cancelled)
                except InvalidInput as error:
                    raise InvalidInput(f"The reference clip of {speaker['name']!r}: {error}", param) from error
                probabilities = yield from self._listen(reference, line.cancelled)
                clips = to_clips(find_speech(probabilities, reference.samples))
                if not clips:
                    raise InvalidInput(
                        f"The reference clip of {speaker['name']!r} holds no speech. Send 2 to 10 seconds of it.",
                        param,
                    )
                found[speaker["name"]] = mean_voice((yield from embed(reference, clips, voices, line)))
        return found

    def _prove(self, context: Context) -> None:
        """Runs each model once, so that a model that cannot run fails at the start and not in the first call."""
        context.progress("trying the models", None)
        recogniser = self._models.recogniser
        noise = np.random.default_rng(0).normal(0, 0.1, RATE // FRAME * FRAME).astype(np.float32)
        try:
            encoded = recogniser.encode(noise)
            language = max(recogniser.detect(encoded).items(), key=lambda pair: pair[1])[0]
            recogniser.read(encoded, DecodingOptions(language, False, None, (0.0,), False))
            self._models.detector.open().add(noise)
            if self._models.voices is not None:
                self._models.voices.embed(fill(noise)[None])
            if self._models.aligner is not None:
                self._models.aligner.emit(noise)
        except (ValueError, RuntimeError) as error:
            raise StartError(f"the model's files do not fit together: {error}", permanent=True) from error


def _count_lanes(context: Context) -> int:
    size = sum(path.stat().st_size for path in Path(context.model_path).glob("*"))
    return max(1, context.plan.threads // (1 if size <= _MOST_SINGLE_BYTES else _LARGE_THREADS))


def _finish(segment: dict[str, Any], request: Request) -> dict[str, Any]:
    if request.get("words"):
        segment["words"] = segment.get("words") or []
        return segment
    return {key: value for key, value in segment.items() if key != "words"}
