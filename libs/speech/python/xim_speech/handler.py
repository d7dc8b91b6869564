"""The task `speak`: converts text to an audio file, sentence by sentence, with an engine's synthesizer."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from xim_audio import FORMATS, OUTPUT_RATE
from xim_worker import Context, Event, Info, InvalidInput, Request, StartError

from .kokoro import find_kokoro_voices, read_kokoro_voice
from .normalize import normalize
from .phonemizer import Phonemizer
from .piper import read_piper_voice
from .sentences import split_clauses, split_sentences
from .speech_file import MEDIA_TYPES, SpeechFile, finish_sentence, split_sound
from .synthesizer import Int64s, Speech, Synthesizer, Utterance
from .turns import Turns
from .voice import Voice


@dataclass(frozen=True)
class _Speaker:
    """The voice and the speaker number of a name in `EngineInfo.voices`."""

    voice: Voice
    number: int


class SpeakHandler:
    """A CallHandler. `load` calls `open_synthesizer` with the voices of the model's folder; it raises StartError.

    The profile's option `voices` lists the stems of the voice files that are served, with the default first. Without
    the option all voices of the folder are served. A voice with several speakers is `<stem>` (its first speaker) and
    `<stem>/<speaker>`.
    """

    def __init__(self, open_synthesizer: Callable[[Context, Sequence[Voice]], Synthesizer]) -> None:
        self._open_synthesizer = open_synthesizer

    def load(self, context: Context) -> Info:
        voices = _find_voices(context)
        # A sentence of each call is computed ahead of its encoding.
        self._threads = ThreadPoolExecutor(context.plan.slots, thread_name_prefix="speak")
        self._speakers = dict(_name_speakers(voices))
        self._phonemizer = Phonemizer()
        context.progress("starting espeak-ng", None)
        try:
            for voice in voices:
                self._prove_phonemes(voice)
            self._synthesizer = self._open_synthesizer(context, voices)
        except BaseException:
            self.close()
            raise
        self._turns = Turns(self._synthesizer.parallel)
        runtime, dtype = self._synthesizer.describe()
        return Info(
            runtime=runtime,
            models=[context.model["id"]],
            dtype=dtype,
            slots=context.plan.slots,
            voices=list(self._speakers),
            sample_rate=OUTPUT_RATE,
        )

    def run(self, request: Request, cancelled: Callable[[], bool]) -> Generator[Event | None, None, None]:
        speaker, format, speed, seed = self._read(request)
        text: str = request["text"]
        sentences = self._phonemize(text, speaker.voice)
        # Without a first sentence there is nothing to speak, and the call fails before an answer begins.
        first = next(sentences, None)
        if first is None:
            raise InvalidInput(
                "There is nothing to speak: the text has no letters, digits or symbols that have a name. "
                "Give a text with words.",
                "text",
            )
        yield {
            "type": "start",
            "mediaType": MEDIA_TYPES[format],
            "sampleRate": OUTPUT_RATE,
            "inputCharacters": len(text),
        }
        file: SpeechFile | None = None
        input_tokens = frames = samples = 0
        is_repeatable = request.get("seed") is not None

        def speak(number: int, ids: Int64s) -> Speech | None:
            """Waits for the call's turn and computes a sentence; None if the call is cancelled by then."""
            pace = speaker.voice.length_scale / speed
            with self._turns.take():
                if cancelled():
                    return None
                utterance = Utterance(ids, pace, speaker.number, seed + number, is_repeatable)
                return self._synthesizer.speak(speaker.voice.name, utterance)

        for ids, speech, is_last, begin_next in self._ahead(first, sentences, speak):
            if speech is None:
                return
            is_first = file is None
            input_tokens += len(ids)
            frames += speech.frames
            sound = finish_sentence(speech.samples, speaker.voice.sample_rate, speed)
            samples += len(sound)
            file = file or SpeechFile(format, speaker.voice.sample_rate, is_whole=is_last)
            for piece in split_sound(sound, speaker.voice.sample_rate, is_first):
                encoded = file.write(piece)
                # The encoder may hold back a short piece. Then None lets the runtime check for cancellation.
                yield {"type": "audio", "bytes": encoded} if encoded else None
                begin_next()
        assert file is not None
        rest = file.finish()
        if rest:
            yield {"type": "audio", "bytes": rest}
        usage = {"inputTokens": input_tokens, "outputTokens": frames}
        yield {"type": "end", "duration": samples / speaker.voice.sample_rate, "usage": usage}

    def close(self) -> None:
        """Ends the threads and the process of espeak-ng. Without this call they end with the current process."""
        self._threads.shutdown(cancel_futures=True)
        self._phonemizer.close()

    def _ahead(
        self, ids: Int64s, following: Iterator[Int64s], speak: Callable[[int, Int64s], Speech | None]
    ) -> Iterator[tuple[Int64s, Speech | None, bool, Callable[[], None]]]:
        """Yields each sentence's ids, its speech, whether it is the last, and a function that begins the next one.

        The phonemes of a sentence are made while the one before it is computed, and it is computed while that one is
        encoded and sent. Of the first sentence a piece leaves before the caller begins the second; the later ones begin
        by themselves.
        """
        after: Int64s | None = ids
        number = -1
        coming: Future[Speech | None] | None = None

        def begin() -> None:
            nonlocal coming
            if coming is None and after is not None:
                coming = self._threads.submit(speak, number + 1, after)

        try:
            while after is not None:
                begin()
                assert coming is not None
                number, ids = number + 1, after
                after = next(following, None)
                speech, coming = coming.result(), None
                if number > 0:
                    begin()
                yield ids, speech, after is None, begin
        finally:
            if coming is not None:
                coming.cancel()

    def _read(self, request: Request) -> tuple[_Speaker, str, float, int]:
        name = request.get("voice") or next(iter(self._speakers))
        speaker = self._speakers.get(name)
        if speaker is None:
            raise InvalidInput(f"There is no voice {name!r}; there are {', '.join(self._speakers)}.", "voice")
        format = request["format"]
        if format not in FORMATS:
            raise InvalidInput(f"format is {format!r}; expected one of {', '.join(FORMATS)}.", "format")
        speed = request.get("speed")
        speed = 1.0 if speed is None else float(speed)
        if not 0.25 <= speed <= 4:
            raise InvalidInput(f"speed is {speed:g}; expected 0.25 to 4.", "speed")
        if request.get("instructions"):
            raise InvalidInput(
                "This model takes no instructions on how to speak: leave instructions out.",
                "instructions",
                "XIM_UNSUPPORTED_PARAMETER",
            )
        seed = request.get("seed")
        if seed is None:
            return speaker, format, speed, int.from_bytes(os.urandom(6), "big")
        if type(seed) is not int:
            raise InvalidInput(f"seed is {seed!r}; expected an integer.", "seed")
        # numpy does not accept negative seeds.
        return speaker, format, speed, seed % 2**64

    def _phonemize(self, text: str, voice: Voice) -> Iterator[Int64s]:
        """Yields the phoneme ids of each sentence with phonemes. A sentence is computed when the caller asks for it."""
        for sentence in split_sentences(normalize(text, voice.language), voice.language.code):
            clauses = split_clauses(sentence)
            phonemes = self._phonemizer.phonemize(voice.espeak_voice, [clause.text for clause in clauses])
            # A clause of marks only has no phonemes.
            yield from voice.to_utterances(
                [(spoken, clause.mark) for spoken, clause in zip(phonemes, clauses, strict=True)]
            )

    def _prove_phonemes(self, voice: Voice) -> None:
        try:
            self._phonemizer.phonemize(voice.espeak_voice, ["1"])
        except (ValueError, RuntimeError) as error:
            raise StartError(f"the phonemes of {voice.name} cannot be made: {error}", permanent=True) from error


def _find_voices(context: Context) -> list[Voice]:
    """Reads the voices of the folder, in the layout of Kokoro or of piper."""
    folder = Path(context.model_path)
    read: Callable[[Path], Voice] = read_kokoro_voice
    files = find_kokoro_voices(folder)
    if not files:
        read = read_piper_voice
        files = {file.stem: file for file in sorted(folder.glob("*.onnx"))}
    names = context.options.get("voices", list(files))
    missing = [name for name in names if name not in files]
    if missing or not names:
        found = ", ".join(files) or "none"
        raise StartError(
            f"{folder.name} lacks the voices {', '.join(missing) or '*.onnx'} (found: {found})", permanent=True
        )
    return [read(files[name]) for name in names]


def _name_speakers(voices: Sequence[Voice]) -> list[tuple[str, _Speaker]]:
    named: list[tuple[str, _Speaker]] = []
    for voice in voices:
        named.append((voice.name, _Speaker(voice, 0)))
        named += [(f"{voice.name}/{name}", _Speaker(voice, number)) for number, name in enumerate(voice.speakers)]
    return named
