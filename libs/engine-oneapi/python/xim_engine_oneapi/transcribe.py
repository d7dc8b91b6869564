"""The task `transcribe`: Whisper's decoder on CTranslate2, its encoder and the small models around it on OpenVINO."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path

from xim_embedding.dense import read_tensors
from xim_transcription.models import Models
from xim_transcription.whisper import Whisper
from xim_worker import Context, StartError

from .character_model import CTCModel
from .voice_activity import SileroDetector
from .voice_encoder import RESEMBLYZER, GE2EEncoder, read_resemblyzer
from .weights import find_weights
from .whisper_encoder import WhisperEncoder
from .whisper_ir import as_ctranslate2

_SILERO = "assets/silero_vad_v6.onnx"


def open_models(context: Context, workers: int, tick: Callable[[], None]) -> Models:
    """The models of a service: `main`, the companions `vad` and `speaker` or the models in the app's wheels, and the
    companion `alignment`, if there is one. `workers` passes of the models run at once.

    The profile's option `encoder`, `openvino` or `ctranslate2`, is the library of Whisper's encoder. By default it is
    OpenVINO where the weights can be read.

    Without a companion the model of voice activity is the one inside faster-whisper's wheel, and the encoder of voices
    the one inside resemblyzer's wheel, if that is installed; both are covered by the hashes of the app's lock.
    """
    # First, since an app may lack this wheel.
    with as_ctranslate2(Path(context.model_path)) as folder:
        recogniser = Whisper(context, folder, workers, tick, partial(_open_encoder, context, workers))
    context.progress("compiling the models around it", None)
    alignment = context.companions.get("alignment")
    aligner = None if alignment is None else CTCModel(alignment, max(1, context.plan.threads // workers))
    return Models(recogniser, SileroDetector(_vad_path(context)), _voices(context), aligner)


def _open_encoder(context: Context, workers: int, folder: Path, dtype: str) -> WhisperEncoder | None:
    library = context.options.get("encoder")
    if library not in (None, "openvino", "ctranslate2"):
        raise StartError(f"encoder is {library!r}; expected openvino or ctranslate2", permanent=True)
    if library == "ctranslate2":
        return None
    context.progress("compiling the encoder", None)
    try:
        return WhisperEncoder(folder, context.plan.threads, workers, dtype)
    except (ValueError, RuntimeError) as error:
        if library is None:
            # A file of an older version of the format, for example, which CTranslate2 reads by itself.
            context.progress(f"the encoder stays on CTranslate2: {error}", None)
            return None
        raise StartError(
            f"{error}. With the option encoder: ctranslate2 in the profile, CTranslate2 computes the encoder too.",
            permanent=True,
        ) from error


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
