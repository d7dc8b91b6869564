"""The task `transcribe`: Whisper on CTranslate2, and on OpenVINO the small models around it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from xim_embedding.dense import read_tensors
from xim_transcription.models import Models
from xim_transcription.whisper import Whisper
from xim_worker import Context, StartError

from .character_model import CTCModel
from .voice_activity import SileroDetector
from .voice_encoder import RESEMBLYZER, GE2EEncoder, read_resemblyzer
from .weights import find_weights

_SILERO = "assets/silero_vad_v6.onnx"


def open_models(context: Context, workers: int, tick: Callable[[], None]) -> Models:
    """The models of a service: `main`, the companions `vad` and `speaker` or the models in the app's wheels, and the
    companion `alignment`, if there is one.

    Without a companion the model of voice activity is the one inside faster-whisper's wheel, and the encoder of voices
    the one inside resemblyzer's wheel, if that is installed; both are covered by the hashes of the app's lock.
    """
    # First, since an app may lack this wheel.
    recogniser = Whisper(context, workers, tick)
    context.progress("compiling the models around it", None)
    alignment = context.companions.get("alignment")
    aligner = None if alignment is None else CTCModel(alignment, max(1, context.plan.threads // workers))
    return Models(recogniser, SileroDetector(_vad_path(context)), _voices(context), aligner)


def _vad_path(context: Context) -> Path:
    companion = context.companions.get("vad")
    if companion is not None:
        return find_weights(companion, ".onnx")
    path = _in_wheel("faster_whisper", _SILERO)
    if path is None:
        raise StartError(
            f"faster-whisper's wheel has no {_SILERO}; give models.json a model with the role vad", permanent=True
        )
    return path


def _voices(context: Context) -> GE2EEncoder | None:
    companion = context.companions.get("speaker")
    if companion is not None:
        return GE2EEncoder(read_tensors(find_weights(companion, ".safetensors")), context.plan.threads)
    path = _in_wheel("resemblyzer", RESEMBLYZER)
    return None if path is None else GE2EEncoder(read_resemblyzer(path), context.plan.threads)


def _in_wheel(package: str, name: str) -> Path | None:
    """A file of an installed package, which is not imported."""
    spec = importlib.util.find_spec(package)
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    return next((path for path in (Path(folder) / name for folder in folders) if path.is_file()), None)
