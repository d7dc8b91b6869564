"""Which architectures are exported for which task, and what the exporter is taught of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from optimum.exporters.openvino import convert, model_configs
from optimum.exporters.openvino.model_patcher import OVDecoderModelPatcher
from optimum.exporters.openvino.patching_utils import PatchingSpec
from optimum.exporters.tasks import TasksManager
from transformers.models.modernbert.modeling_modernbert import ModernBertModel

from . import modern_bert, nomic_bert
from .errors import ConvertError
from .plain_export import PLAIN

_HIDDEN = "feature-extraction"
_TEXT = "text-generation-with-past"


def prepare_architecture(folder: Path) -> None:
    """Brings `config.json` of a copy into the form that is read here.

    Raises ConvertError for a model of these architectures with another computation.
    """
    kind = json.loads((folder / "config.json").read_text("utf8")).get("model_type")
    if kind == nomic_bert.KIND:
        nomic_bert.read_nomic_bert(folder)
    elif kind == modern_bert.KIND:
        modern_bert.prepare_modern_bert(folder)


def expect_exporter(config: Any, task: str) -> None:
    """Raises ConvertError for a model that is not exported for the exporter's task."""
    kind = config.model_type
    if is_plain(kind, task):
        return
    if task in (_HIDDEN, _TEXT) and config.is_encoder_decoder:
        raise ConvertError(
            f"models of the architecture {kind} have an encoder and a decoder; of such models only the encoders of T5 "
            "and mT5 are converted, for embeddings"
        )
    try:
        known = TasksManager.get_supported_tasks_for_model_type(kind, exporter="openvino", library_name="transformers")
    except KeyError:
        known = {}
    if task not in known:
        raise ConvertError(
            f"models of the architecture {kind} are not converted for this task. Name an ONNX or GGUF file of the "
            "model, if it has one; a service with the engine ipex serves it from safetensors: use the folder as it is"
        )


def is_plain(kind: str, task: str) -> bool:
    """Whether `export_plain` exports such models for the exporter's task."""
    return kind in PLAIN and task == _HIDDEN


def _register() -> None:
    """Teaches the exporter what it lacks."""
    specs = [PatchingSpec(ModernBertModel, "_update_attention_mask", modern_bert.to_masks)]

    @model_configs.register_in_tasks_manager(modern_bert.KIND, "feature-extraction", "text-classification")
    class _ModernBert(model_configs.DistilBertOpenVINOConfig):  # type: ignore[misc]
        # Its inputs are tokens and mask, as those of DistilBERT.
        PATCHING_SPECS = specs

    # An architecture that the exporter once had, and now refuses.
    convert.ONNX_SUPPORTED_ARCHITECTURES.discard(modern_bert.KIND)
    # Its own does the same with this Transformers, and fails for a model without a head.
    model_configs.MistralOpenVINOConfig._MODEL_PATCHER = OVDecoderModelPatcher


_register()
