"""Whisper on CTranslate2, by faster-whisper: transcribes single windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from xim_worker import Context, Runtime, StartError, cpu_flags

from .lanes import Lanes
from .models import DecodingOptions, Floats
from .tokens import to_chance

# Thresholds of the ladder of temperatures, from OpenAI's own whisper/transcribe.py.
_MOST_COMPRESSION = 2.4
_LEAST_LOGPROB = -1.0
_NO_SPEECH = 0.6
_SAMPLES_KEPT = 5
_BEAM = 5
_FRAMES_PER_SECOND = 100
_REST_FRAMES = 100
# Characters per second; fast speech has 25.
_MOST_LETTERS = 35


class Encoder(Protocol):
    library: str
    version: str

    def __call__(self, features: Floats) -> Floats:
        """Maps mel spectrograms `[1, mels, 3000]` to states `[1, 1500, size]`. Several threads may call it at once."""
        ...


OpenEncoder = Callable[[Path, str], Encoder | None]


@dataclass(frozen=True)
class Encoded:
    features: Any
    """Mel spectrogram, `[mels, frames]`, 100 frames a second."""
    output: Any
    """The output of the encoder, for the first 30 seconds."""


class Whisper:
    """A Recogniser of the CTranslate2 model in `folder`.

    Options of the profile: `computeType`, a dtype that CTranslate2 supports on this CPU (default `int8`), and
    `beamSize` (default 5). Raises StartError.

    `lanes` passes of the model run at once, each with its share of the plan's threads. `tick` is called after every
    pass, in the thread of the window; an exception of `tick` ends the window. `open_encoder` opens another encoder
    than CTranslate2's for the folder and the dtype, or returns None.
    """

    def __init__(
        self,
        context: Context,
        folder: Path,
        lanes: int,
        tick: Callable[[], None],
        open_encoder: OpenEncoder = lambda *_: None,
    ) -> None:
        try:
            import ctranslate2
            import faster_whisper
            from faster_whisper import tokenizer, transcribe
        except ImportError as error:
            raise StartError(
                f"the wheel faster-whisper cannot be imported ({error}); add it to the app's requirements.in",
                permanent=True,
            ) from error
        for name in ("model.bin", "config.json", "tokenizer.json"):
            if not (folder / name).is_file():
                raise StartError(
                    f"{folder} has no {name}; expected a Whisper model that ct2-transformers-converter wrote, with "
                    "model.bin, config.json, tokenizer.json and its vocabulary",
                    permanent=True,
                )
        self._dtype = str(context.options.get("computeType", "int8"))
        known = ctranslate2.get_supported_compute_types("cpu")
        if self._dtype not in known:
            raise StartError(f"computeType is {self._dtype!r}; this CPU has {', '.join(sorted(known))}", permanent=True)
        self._beam = int(context.options.get("beamSize", _BEAM))
        self._version = f"{ctranslate2.__version__} (faster-whisper {faster_whisper.__version__})"
        context.progress("reading the speech model", None)
        try:
            self._model: Any = faster_whisper.WhisperModel(
                str(folder),
                device="cpu",
                compute_type=self._dtype,
                cpu_threads=max(1, context.plan.threads // lanes),
                num_workers=lanes,
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as error:
            raise StartError(f"{folder} cannot be loaded as a Whisper model: {error}", permanent=True) from error
        self._encoder = open_encoder(folder, self._dtype)
        array = ctranslate2.StorageView.from_array
        self._model.model = _Passes(self._model.model, self._encoder, Lanes(lanes), tick, array)
        self._transcribe: Any = transcribe
        self._tokenizer: Any = tokenizer.Tokenizer
        self._multilingual = bool(self._model.model.is_multilingual)
        # Older models have no tokens for languages that were added later.
        token = self._model.hf_tokenizer.token_to_id
        self.languages: list[str] = [
            code
            for code in self._model.supported_languages
            if not self._multilingual or token(f"<|{code}|>") is not None
        ]

    def encode(self, samples: Floats) -> Encoded:
        features = self._model.feature_extractor(samples)
        frames = min(features.shape[-1] - 1, self._model.feature_extractor.nb_max_frames)
        return Encoded(features, self._model.encode(self._transcribe.pad_or_trim(features[:, :frames])))

    def detect(self, encoded: Encoded) -> Mapping[str, float]:
        if not self._multilingual:
            return {"en": 1.0}
        (found,) = self._model.model.detect_language(encoded.output)
        return {token[2:-2]: float(probability) for token, probability in found}

    def read(self, encoded: Encoded, reading: DecodingOptions) -> list[dict[str, Any]]:
        task = "translate" if reading.translate else "transcribe"
        tokenizer = self._tokenizer(self._model.hf_tokenizer, self._multilingual, task=task, language=reading.language)
        options = self._transcribe.TranscriptionOptions(
            beam_size=self._beam,
            best_of=_SAMPLES_KEPT,
            patience=1,
            length_penalty=1,
            repetition_penalty=1,
            no_repeat_ngram_size=0,
            log_prob_threshold=_LEAST_LOGPROB,
            no_speech_threshold=_NO_SPEECH,
            compression_ratio_threshold=_MOST_COMPRESSION,
            condition_on_previous_text=True,
            prompt_reset_on_temperature=0.5,
            temperatures=list(reading.temperatures),
            initial_prompt=reading.prompt,
            prefix=None,
            suppress_blank=True,
            suppress_tokens=self._transcribe.get_suppressed_tokens(tokenizer, [-1]),
            without_timestamps=False,
            max_initial_timestamp=1.0,
            word_timestamps=reading.words,
            prepend_punctuations="\"'“¿([{-",
            append_punctuations="\"'.。,，!！?？:：”)]}、",
            multilingual=False,
            max_new_tokens=None,
            clip_timestamps=[0.0],
            hallucination_silence_threshold=None,
            hotwords=reading.hotwords,
        )
        found = self._model.generate_segments(encoded.features, tokenizer, options, False, encoded.output)
        frames = encoded.features.shape[-1] - 1
        kept = [each for each in found if not _is_echo(each, frames)]
        segments = [_to_segment(each, tokenizer.eot) for each in kept]
        if reading.logprobs:
            self._add_logprobs(segments, [each.seek for each in kept], encoded, tokenizer)
        return segments

    def _add_logprobs(self, segments: list[dict[str, Any]], seeks: list[int], encoded: Encoded, tokenizer: Any) -> None:
        """The log probability of each token, from one more pass of the decoder over the text.

        The pass reads the tokens of all segments of a decoding window, without timestamps and without the prompt, as
        the pass for word times does.
        """
        most = self._model.feature_extractor.nb_max_frames
        for seek in dict.fromkeys(seeks):
            group = [segment for segment, at in zip(segments, seeks, strict=True) if at == seek]
            features = encoded.features[:, seek : min(seek + most, encoded.features.shape[-1] - 1)]
            output = encoded.output if seek == 0 else self._model.encode(self._transcribe.pad_or_trim(features))
            tokens = [token for segment in group for token in segment["tokens"]]
            (result,) = self._model.model.align(output, tokenizer.sot_sequence, [tokens], features.shape[-1])
            chances = zip(tokens, result.text_token_probs, strict=False)
            for segment in group:
                segment["logprobs"] = [
                    to_chance(token, self._model.hf_tokenizer.id_to_token(token), probability)
                    for token, probability in islice(chances, len(segment["tokens"]))
                ]

    def describe(self) -> tuple[Runtime, str]:
        name, version = "ctranslate2", self._version
        if self._encoder is not None:
            name, version = f"{self._encoder.library}+ctranslate2", f"{self._encoder.version}+{version}"
        return {"name": name, "version": version, "isa": _isa()}, self._dtype


class _Passes:
    """CTranslate2's model, whose passes wait for a lane, and decode windows that wait for the same together.

    It calls `tick` after each pass, where a window may be cancelled.
    """

    def __init__(
        self, model: Any, encoder: Encoder | None, lanes: Lanes, tick: Callable[[], None], to_view: Callable[[Any], Any]
    ) -> None:
        self._model = model
        self._encoder = encoder
        self._lanes = lanes
        self._tick = tick
        self._to_view = to_view

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, features: Any, **options: Any) -> Any:
        return self._run(lambda: self._encode(features, options))

    def detect_language(self, states: Any) -> Any:
        return self._run(lambda: self._model.detect_language(states))

    def align(self, *args: Any, **options: Any) -> Any:
        return self._run(lambda: self._model.align(*args, **options))

    def generate(self, states: Any, prompts: Sequence[Sequence[int]], **options: Any) -> Any:
        (prompt,) = prompts
        # numpy has no bfloat16, and the library decodes only prompts of one length together.
        group = (len(prompt), options) if states.dtype.name == "float32" else None
        result = self._lanes.run(lambda items: self._generate(items, options), (states, prompt), group)
        self._tick()
        return [result]

    def _run(self, compute: Callable[[], Any]) -> Any:
        result = self._lanes.run(lambda _: [compute()], None)
        self._tick()
        return result

    def _encode(self, features: Any, options: Mapping[str, Any]) -> Any:
        if self._encoder is None:
            return self._model.encode(features, **options)
        return self._to_view(self._encoder(np.asarray(features)))

    def _generate(self, items: Sequence[tuple[Any, Sequence[int]]], options: Mapping[str, Any]) -> Any:
        views, prompts = zip(*items, strict=True)
        states = views[0] if len(views) == 1 else self._to_view(np.concatenate([np.asarray(view) for view in views]))
        return self._model.generate(states, list(prompts), **options)


def _is_echo(found: Any, frames: int) -> bool:
    """Whether a segment is invented: it repeats earlier text in the rest of a window, faster than human speech."""
    rest = frames - found.seek
    return bool(
        found.seek > 0
        and rest < _REST_FRAMES
        and len(found.text.strip()) > _MOST_LETTERS * max(found.end - found.start, rest / _FRAMES_PER_SECOND)
    )


def _to_segment(found: Any, first_special: int) -> dict[str, Any]:
    """The contract's segment: numbers of numpy become Python's; special tokens and timestamps are removed."""
    segment: dict[str, Any] = {
        "start": float(found.start),
        "end": float(found.end),
        "text": str(found.text),
        "tokens": [int(token) for token in found.tokens if token < first_special],
        "temperature": float(found.temperature or 0.0),
        "averageLogprob": float(found.avg_logprob),
        "compressionRatio": float(found.compression_ratio),
        "noSpeechProbability": float(found.no_speech_prob),
    }
    if found.words is not None:
        segment["words"] = [
            {
                "word": str(word.word),
                "start": float(word.start),
                "end": float(word.end),
                "probability": float(word.probability),
            }
            for word in found.words
        ]
    return segment


def _isa() -> str:
    """The instruction set that CTranslate2 chooses by the CPU's flags (source: its cpu/cpu_isa.cc)."""
    flags = cpu_flags()
    return next((name for name in ("avx512f", "avx2", "avx") if name in flags), "none")
