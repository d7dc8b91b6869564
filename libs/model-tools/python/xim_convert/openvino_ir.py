"""From a Transformers folder in safetensors to OpenVINO's intermediate representation, with the tokenizer beside it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nncf
import openvino as ov
from optimum.exporters.openvino import main_export
from optimum.intel import OVConfig
from transformers import AutoConfig

from .architectures import expect_exporter, is_plain, prepare_architecture
from .compare import compare_answers, compare_logits, compare_scores, compare_vectors
from .dequantize import dequantize
from .errors import ConvertError
from .facts import expect_causal, to_options, to_shape
from .pickled import read_tensors
from .plain_export import export_plain
from .reranker import read_reranker, to_classifier
from .sentence_model import copy_sentence_model

# By the task, or of a reranker by its kind: the exporter's task, and the comparison with the original.
_EXPORTS = {
    "generate": ("text-generation-with-past", compare_logits),
    "embed": ("feature-extraction", compare_vectors),
    "similarity": ("feature-extraction", compare_vectors),
    "cross-encoder": ("text-classification", compare_scores),
    "yes-no": ("text-classification", compare_answers),
}

_MODES = {"int8": nncf.CompressWeightsMode.INT8_SYM, "int4": nncf.CompressWeightsMode.INT4_ASYM}
_STORED = {"int8": {"u8", "i8"}, "int4": {"u4", "i4"}}
_MODEL = "openvino_model.xml"
_PICKLE = "pytorch_model.bin"
_TOKENIZER = "tokenizer.json"
# The names that the exporter gives to the states with keys and values.
_KEYS_AND_VALUES = re.compile(r"past_key_values\.|cache_params\.past\.(key|value)\.")


def to_openvino(task: str, weights: str, folder: Path, output: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Exports, quantises the weights, and compares one real inference with the original.

    The result: `shape` (as models.json has it), `options` (of the profile) and `agreement`, see `compare`.
    """
    config = _read_config(folder)
    if task == "generate":
        expect_causal(config)
    _without_pickles(folder, say)
    dequantize(folder, say)
    kind = read_reranker(folder, config) if task == "rerank" else task
    source = folder
    if kind == "yes-no":
        say("making a sequence classification of the language model")
        source = folder / "classifier"
        to_classifier(folder, source)
    exported, compare = _EXPORTS[kind]
    expect_exporter(config, exported)
    say("exporting")
    if is_plain(config.model_type, exported):
        export_plain(source, output / _MODEL, weights)
    else:
        _export(source, output, exported, weights)
    if kind == "generate":
        _refuse_other_states(output / _MODEL)
    if weights in _MODES:
        say(f"quantising the weights to {weights}")
        _quantise(output / _MODEL, weights)
    if kind == "generate":
        _copy_tokenizer(folder, output)
    else:
        copy_sentence_model(folder, output)
    # It says how the export was made, and no program reads it.
    (output / "openvino_config.json").unlink(missing_ok=True)
    say("comparing one inference with the original")
    agreement = compare(folder, output, weights)
    return {"shape": to_shape(kind, folder, config), "options": to_options(kind, folder), "agreement": agreement}


def _read_config(folder: Path) -> Any:
    if not (folder / "config.json").is_file():
        raise ConvertError(f"{folder.name} has no config.json; expected a folder as Transformers saves it")
    prepare_architecture(folder)
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, OSError) as error:
        raise ConvertError(f"the architecture is not known here: {str(error).splitlines()[0]}") from error


def _export(source: Path, output: Path, task: str, weights: str) -> None:
    main_export(
        model_name_or_path=str(source),
        output=str(output),
        task=task,
        ov_config=OVConfig(dtype="fp32" if weights == "fp32" else "fp16"),
        library_name="transformers",
        stateful=task.startswith("text-generation"),
        convert_tokenizer=False,
        local_files_only=True,
        trust_remote_code=False,
    )


def _without_pickles(folder: Path, say: Callable[[str], None]) -> None:
    """Weights that are there only as a pickle are converted first. `folder` is a copy that may be written."""
    if any(folder.glob("*.safetensors")):
        return
    if not (folder / _PICKLE).is_file():
        raise ConvertError(f"{folder.name} has no weights; expected model.safetensors (or {_PICKLE})")
    say(f"reading {_PICKLE}, without running what is in it")
    from safetensors.torch import save_file

    save_file(read_tensors(folder / _PICKLE), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / _PICKLE).unlink()


def _refuse_other_states(path: Path) -> None:
    """The engine keeps keys and values in blocks, and gives every token its position."""
    model = ov.Core().read_model(path)
    states = [op.get_variable_id() for op in model.get_ops() if op.get_type_name() == "ReadValue"]
    other = [name for name in states if not _KEYS_AND_VALUES.match(name)]
    if other or not any(port.any_name == "position_ids" for port in model.inputs):
        found = f"keeps the state {other[0]}" if other else "has biases in place of positions"
        raise ConvertError(
            f"the graph {found}; OpenVINO IR is served for models that keep keys and values only. A service with the "
            "engine ipex serves this model from safetensors: use the folder as it is"
        )


def _quantise(path: Path, weights: str) -> None:
    """Replaces a model's weights by integers with scales; the model is written anew beside itself first."""
    groups: dict[str, Any] = {}
    if weights == "int4":
        # A scale for so many weights; a layer whose rows cannot be divided so gets a smaller group.
        fallback = nncf.AdvancedCompressionParameters(group_size_fallback_mode=nncf.GroupSizeFallbackMode.ADJUST)
        groups = {"group_size": 32, "advanced_parameters": fallback}
    model = nncf.compress_weights(ov.Core().read_model(path), mode=_MODES[weights], **groups)
    stored = {op.get_element_type().get_type_name() for op in model.get_ops() if op.get_type_name() == "Constant"}
    if not stored & _STORED[weights]:
        raise ConvertError(f"this model has no weights that become {weights}; convert it with --weights fp16")
    fresh = path.with_name("fresh.xml")
    ov.save_model(model, fresh, compress_to_fp16=False)
    del model
    fresh.replace(path)
    fresh.with_suffix(".bin").replace(path.with_suffix(".bin"))


def _copy_tokenizer(folder: Path, output: Path) -> None:
    """The engine reads the model's own `tokenizer.json`, where the export leaves it out too."""
    if not (folder / _TOKENIZER).is_file():
        raise ConvertError(f"{folder.name} has no {_TOKENIZER}, which the engine needs beside the weights")
    shutil.copyfile(folder / _TOKENIZER, output / _TOKENIZER)
