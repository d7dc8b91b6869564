"""Architectures that the exporter or Transformers lacks, and how they are exported: ModernBERT and NomicBERT."""

from __future__ import annotations

import json
from pathlib import Path

import openvino as ov
import torch
from optimum.exporters.openvino import convert, model_configs
from optimum.exporters.openvino.model_patcher import OVDecoderModelPatcher
from optimum.exporters.openvino.patching_utils import PatchingSpec
from optimum.exporters.tasks import TasksManager
from transformers import AutoConfig, AutoModel
from transformers.models.modernbert.modeling_modernbert import ModernBertModel

from . import modern_bert, nomic_bert
from .errors import ConvertError
from .nomic_bert import NomicBertConfig, NomicBertModel


def prepare_architecture(folder: Path) -> None:
    """Brings `config.json` of a copy into the form that is read here.

    Raises ConvertError for a model of these architectures with another computation.
    """
    kind = json.loads((folder / "config.json").read_text("utf8")).get("model_type")
    if kind == nomic_bert.KIND:
        nomic_bert.read_nomic_bert(folder)
    elif kind == modern_bert.KIND:
        modern_bert.prepare_modern_bert(folder)


def expect_exporter(kind: str, task: str) -> None:
    """Raises ConvertError for a `model_type` that is not exported for the exporter's task."""
    if kind == nomic_bert.KIND:
        return
    try:
        known = TasksManager.get_supported_tasks_for_model_type(kind, exporter="openvino", library_name="transformers")
    except KeyError:
        known = {}
    if task not in known:
        raise ConvertError(
            f"models of the architecture {kind} are not converted for this task. Name an ONNX or GGUF file of the "
            "model, if it has one; a service with the engine ipex serves it from safetensors: use the folder as it is"
        )


def export_nomic_bert(folder: Path, model: Path, weights: str) -> None:
    """Writes the graph `model` (a path that ends in .xml) and, beside it, config.json."""
    original = NomicBertModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    tokens = torch.ones((2, 8), dtype=torch.int64)
    names = ("input_ids", "attention_mask")
    graph = ov.convert_model(original, example_input=dict.fromkeys(names, tokens))
    # Beside these the converter gives them names of its own, which are numbers.
    for port, name in zip([*graph.inputs, *graph.outputs], [*names, "last_hidden_state"], strict=True):
        port.tensor.set_names({name})
    ov.save_model(graph, model, compress_to_fp16=weights != "fp32")
    original.config.save_pretrained(model.parent)


def _register() -> None:
    """Teaches the exporter and Transformers what they lack."""
    specs = [PatchingSpec(ModernBertModel, "_update_attention_mask", modern_bert.to_masks)]

    @model_configs.register_in_tasks_manager(modern_bert.KIND, "feature-extraction", "text-classification")
    class _ModernBert(model_configs.DistilBertOpenVINOConfig):  # type: ignore[misc]
        # Its inputs are tokens and mask, as those of DistilBERT.
        PATCHING_SPECS = specs

    # Architectures that the exporter once had, and now refuses.
    convert.ONNX_SUPPORTED_ARCHITECTURES.discard(modern_bert.KIND)
    # Its own does the same with this Transformers, and fails for a model without a head.
    model_configs.MistralOpenVINOConfig._MODEL_PATCHER = OVDecoderModelPatcher
    AutoConfig.register(nomic_bert.KIND, NomicBertConfig)
    AutoModel.register(NomicBertConfig, NomicBertModel)


_register()
