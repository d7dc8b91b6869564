"""Silero's model of voice activity, compiled by OpenVINO."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
from xim_transcription.models import FRAME, Floats, SpeechStream
from xim_worker import StartError

# Samples of the frame before that a frame is read with.
_CONTEXT = 64
_STATE = (1, 1, 128)


class SileroDetector:
    """The form in which faster-whisper ships it: `input [frames, 64 + 512]`, states `h` and `c` in, and out again."""

    def __init__(self, path: Path) -> None:
        # The model is a millisecond of work for a second of sound: one thread, and no rounding that gains nothing.
        config = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        try:
            self._model = ov.Core().compile_model(str(path), "CPU", config)
        except RuntimeError as error:
            raise StartError(f"{path.name} cannot be compiled: {error}", permanent=True) from error
        inputs = sorted(port.get_any_name() for port in self._model.inputs)
        if inputs != ["c", "h", "input"]:
            raise StartError(
                f"{path.name} has the inputs {', '.join(inputs)}; expected Silero v6 with c, h and input",
                permanent=True,
            )

    def open(self) -> SpeechStream:
        return _Stream(self._model.create_infer_request())


class _Stream:
    def __init__(self, request: ov.InferRequest) -> None:
        self._request = request
        self._h = self._c = np.zeros(_STATE, np.float32)
        self._before = np.zeros(_CONTEXT, np.float32)

    def add(self, samples: Floats) -> Floats:
        if len(samples) == 0:
            return np.zeros(0, np.float32)
        frames = samples.reshape(-1, FRAME)
        before = np.vstack([self._before, frames[:-1, -_CONTEXT:]])
        self._before = frames[-1, -_CONTEXT:].copy()
        outputs = self._request.infer({"input": np.hstack([before, frames]), "h": self._h, "c": self._c})
        probabilities, self._h, self._c = (outputs[port].copy() for port in self._request.model_outputs)
        return np.asarray(probabilities, np.float32).reshape(-1)
