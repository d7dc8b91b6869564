"""The synthesizer of the task `speak` for Kokoro-82M in ONNX, compiled by OpenVINO: one model, a style per voice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from xim_speech.synthesizer import Floats, Speech, Utterance
from xim_worker import Context, Runtime, StartError

from .infer_pool import compile_pool
from .runtime import describe_runtime
from .speak_graph import last_name, wanted_shape
from .weights import weight_bytes

_NAMES = {"input_ids": "ids", "tokens": "ids", "style": "style", "ref_s": "style", "speed": "speed"}
"""Names of the inputs in the exports that are in use, and their meaning."""
_SAMPLES_PER_FRAME = 600
"""Samples of the 25 ms that durations are counted in (hop 5 of the inverse transform, upsampled 10 × 6 × 2)."""
_NOISE = 2**20
"""Random numbers of one utterance; the graph uses them again from the start where it wants more."""
_DRAWS = ("RandomNormalLike", "RandomUniformLike")


class StyledVoice(Protocol):
    """The part of `xim_speech.kokoro.KokoroVoice` that is needed here."""

    @property
    def name(self) -> str: ...
    @property
    def ids(self) -> dict[str, int]: ...
    def style(self, count: int) -> Floats: ...


class KokoroSynthesizer:
    """Options of the profile: `streams` and `precision` as for other voices (`speak.py`)."""

    def __init__(
        self, context: Context, voices: Sequence[StyledVoice], parallel: int, config: dict[str, object]
    ) -> None:
        self.parallel = parallel
        self._voices = {voice.name: voice for voice in voices}
        path = _find_model(Path(context.model_path))
        context.progress(f"compiling {path.name}", None)
        try:
            model = ov.Core().read_model(str(path))
            self._names = _read_names(model)
            self._noises = feed_noise(model)
            self.compiled, pool = compile_pool(model, weight_bytes(path), context.plan.threads, parallel, config)
        except (RuntimeError, ValueError) as error:
            raise StartError(
                f"{path.name} cannot be compiled as Kokoro by OpenVINO: {str(error).strip().splitlines()[-1]}",
                permanent=True,
            ) from error
        ids = np.array([0, *sorted(voices[0].ids.values())[1:8], 0], np.int64)
        # Every request runs once before the service is ready.
        for self._requests in pool.each():
            samples = self.speak(voices[0].name, Utterance(ids, pace=1, speaker=0, seed=0)).samples
            if len(samples) == 0 or not np.isfinite(samples).all():
                raise StartError(f"{path.name} gives no sound", permanent=True)
        self._requests = pool

    def speak(self, voice: str, utterance: Utterance) -> Speech:
        generator = np.random.default_rng(utterance.seed)
        given: dict[str, object] = {
            "ids": utterance.ids[None],
            "style": self._voices[voice].style(len(utterance.ids)),
            "speed": np.array([1 / utterance.pace], np.float32),
        }
        inputs = {name: given[meaning] for name, meaning in self._names.items()}
        for name, normal in self._noises.items():
            draw = generator.standard_normal if normal else generator.random
            inputs[name] = draw(_NOISE, np.float32)
        with self._requests.take(utterance.is_repeatable) as request:
            samples: Floats = np.array(request.infer(inputs)[0], np.float32).reshape(-1)
        return Speech(np.clip(samples, -1, 1), len(samples) // _SAMPLES_PER_FRAME)

    def describe(self) -> tuple[Runtime, str]:
        return describe_runtime(self.compiled)


def feed_noise(model: ov.Model) -> dict[str, bool]:
    """Makes inputs `[count]` of the random numbers that a graph draws, so that a seed gives the same sound again.

    Gives the names of the inputs, and whether their numbers are normal (else uniform, 0 to 1).
    """
    fed: dict[str, bool] = {}
    for operation in model.get_ordered_ops():
        kind = next((kind for kind in _DRAWS if last_name(operation).startswith(kind)), None)
        if kind is None:
            continue
        name = f"noise.{len(fed)}"
        noise = ops.parameter([-1], np.float32, name)
        shape = ops.convert(wanted_shape(operation), np.int64)
        zero = ops.constant(0, np.int64)
        count = ops.reduce_prod(shape, zero)
        given = ops.gather(ops.shape_of(noise, "i64"), zero, zero)
        places = ops.floor_mod(ops.range(zero, count, ops.constant(1, np.int64), "i64"), given)
        values = ops.reshape(ops.gather(noise, places, zero), shape, False)
        for consumer in list(operation.output(0).get_target_inputs()):
            consumer.replace_source_output(values.output(0))
        model.add_parameters([noise])
        noise.output(0).get_tensor().set_names({name})
        fed[name] = kind == "RandomNormalLike"
    model.validate_nodes_and_infer_types()
    left = [each for each in model.get_ordered_ops() if each.get_type_name().startswith("Random")]
    if left:
        raise ValueError(f"it draws random numbers in {left[0].get_friendly_name()}, which this runtime does not know")
    return fed


def _read_names(model: ov.Model) -> dict[str, str]:
    """The meaning of each input. Raises ValueError where the inputs are not those of Kokoro."""
    found = [port.get_any_name() for port in model.inputs]
    names = {name: _NAMES.get(name, "") for name in found}
    if sorted(names.values()) != ["ids", "speed", "style"]:
        raise ValueError(f"it has the inputs {', '.join(found)}; expected input_ids, style and speed")
    return names


def _find_model(folder: Path) -> Path:
    found = sorted([*folder.glob("*.onnx"), *folder.glob("onnx/*.onnx"), *folder.glob("*.xml")])
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise StartError(f"expected one model file in {folder.name} (.onnx or .xml), found {names}", permanent=True)
    return found[0]
