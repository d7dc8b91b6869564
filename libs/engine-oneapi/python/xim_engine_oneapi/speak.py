"""The synthesizers of the task `speak`: voices in ONNX, compiled by OpenVINO. Here: piper's VITS voices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import openvino as ov
from xim_speech.synthesizer import Floats, Speech, Utterance
from xim_worker import Context, Runtime, StartError

from .infer_pool import compile_pool
from .runtime import describe_runtime
from .speak_graph import NOISES, PACE, STEP, prepare_vits
from .speak_kokoro import KokoroSynthesizer
from .weights import weight_bytes

if TYPE_CHECKING:
    from xim_speech.piper import PiperVoice
    from xim_speech.synthesizer import Synthesizer
    from xim_speech.voice import Voice

_INPUTS = ("input", "input_lengths", "scales", "sid")
# Sentences side by side beat one over all threads (less waiting for each other). With fewer threads than this a
# sentence is slow, and so the first sound is late.
_THREADS_PER_STREAM = 4
# Symbols come in multiples of this number; those behind the last are masked. Sentences then share their shapes.
_IDS_STEP = 32
# Kernels that OpenVINO keeps for shapes it has seen. Its default of 5,000 takes 100 MB more and saves 3 % of the time.
_CACHED_KERNELS = 64
# Frames for which noise is drawn, per phoneme at a pace of 1; a sentence that has more hears its noise again.
_FRAMES_PER_PHONEME = 12


def open_synthesizer(context: Context, voices: Sequence[Voice]) -> Synthesizer:
    """The profile's option `streams` is the number of sentences that are computed at once, each with its share of the
    threads; `precision` (`f32` or `bf16`, default `f32`) is the arithmetic."""
    threads = context.plan.threads
    parallel = int(context.options.get("streams", min(threads, max(2, threads // _THREADS_PER_STREAM))))
    config: dict[str, object] = {
        "INFERENCE_PRECISION_HINT": str(context.options.get("precision", "f32")),
        "CPU_RUNTIME_CACHE_CAPACITY": _CACHED_KERNELS,
    }
    # Here, since the packages behind these modules are those of a service that speaks, not the engine's.
    from xim_speech.kokoro import KokoroVoice
    from xim_speech.piper import PiperVoice

    kokoro = [voice for voice in voices if isinstance(voice, KokoroVoice)]
    if kokoro:
        return KokoroSynthesizer(context, kokoro, parallel, config)
    piper = [voice for voice in voices if isinstance(voice, PiperVoice)]
    return VitsSynthesizer(context, piper, parallel, config)


class VitsSynthesizer:
    def __init__(
        self, context: Context, voices: Sequence[PiperVoice], parallel: int, config: dict[str, object]
    ) -> None:
        self.parallel = parallel
        self._voices: dict[str, _Voice] = {}
        for number, voice in enumerate(voices):
            context.progress(f"compiling {voice.name}", number / len(voices))
            path = Path(context.model_path) / f"{voice.name}.onnx"
            self._voices[voice.name] = _Voice(path, voice, context.plan.threads, parallel, config)

    def speak(self, voice: str, utterance: Utterance) -> Speech:
        return self._voices[voice].speak(utterance)

    def describe(self) -> tuple[Runtime, str]:
        return describe_runtime(next(iter(self._voices.values())).compiled)


class _Voice:
    def __init__(self, path: Path, voice: PiperVoice, threads: int, parallel: int, config: dict[str, object]) -> None:
        try:
            model = ov.Core().read_model(str(path))
            self._channels = prepare_vits(model)
        except (RuntimeError, ValueError) as error:
            raise StartError(f"{path.name} is not a VITS voice as piper exports it: {error}", permanent=True) from error
        self._names = {port.get_any_name() for port in model.inputs}
        unknown = self._names.difference(_INPUTS, NOISES, {PACE})
        if unknown or ("sid" in self._names) != bool(voice.speakers):
            raise StartError(
                f"{path.name} has the inputs {', '.join(sorted(self._names))}; known are {', '.join(_INPUTS)}, with "
                "sid where the configuration names several speakers",
                permanent=True,
            )
        self._scales = np.array([voice.noise_scale, 1, voice.noise_w], np.float32)
        self.compiled, pool = compile_pool(model, weight_bytes(path), threads, parallel, config)
        # As many as the shortest utterance has: the encoder's window fits no fewer.
        ids = np.array([*voice.ids["^"], *(5 * voice.ids["_"]), *voice.ids["$"]], np.int64)
        # Every one of them runs once before the service is ready.
        for self._requests in pool.each():
            samples = self.speak(Utterance(ids, pace=1, speaker=0, seed=0)).samples
            if len(samples) == 0 or not np.isfinite(samples).all():
                raise StartError(f"{path.name} gives no sound", permanent=True)
        self._requests = pool

    def speak(self, utterance: Utterance) -> Speech:
        count = len(utterance.ids)
        ids = np.pad(utterance.ids, (0, -count % _IDS_STEP))[None]
        generator = np.random.default_rng(utterance.seed)
        lengths = (count, round(count * _FRAMES_PER_PHONEME * max(1.0, utterance.pace)))
        inputs: dict[str, object] = {
            "input": ids,
            "input_lengths": np.array([count], np.int64),
            "scales": self._scales,
            "sid": np.array([utterance.speaker], np.int64),
            PACE: np.array(utterance.pace, np.float32),
        }
        for name, channels, length in zip(NOISES, self._channels, lengths, strict=True):
            inputs[name] = generator.standard_normal((1, channels, length), np.float32)
        with self._requests.take(utterance.is_repeatable) as request:
            outputs = request.infer({name: value for name, value in inputs.items() if name in self._names})
            samples: Floats = np.array(outputs[0], np.float32).reshape(-1)
            frames = max(1, int(outputs[1]))
        padded = -(-frames // STEP) * STEP
        samples = samples[: len(samples) // padded * frames]
        return Speech(np.clip(samples, -1, 1), frames)
