"""A folder with a diffusers pipeline: its parts, read from safetensors and complete."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import transformers
from diffusers import DiffusionPipeline
from xim_worker import StartError

from .complete import expect_complete, expect_safetensors
from .torch_runtime import TorchRuntime

INDEX = "model_index.json"
_ABSENT = [None, None]
"""Library and class of a part that a folder does not have."""
_OPTIONAL = ("text_encoder", "tokenizer")
_VARIANT = re.compile(r"^[\w-]+?\.([a-z0-9]+)(-\d{5}-of-\d{5})?\.safetensors$")
# Transformers 5 reads pictures with torchvision under these names, and with Pillow under its own.
_PIL_PROCESSOR = "CLIPImageProcessorPil"
_IMAGE_PROCESSORS = {"CLIPFeatureExtractor", "CLIPImageProcessor", "CLIPImageProcessorFast"}


def load_pipeline(
    folder: Path, runtime: TorchRuntime, *, safety_checker: bool, progress: Callable[[str, float | None], None]
) -> DiffusionPipeline:
    """The pipeline that the folder's `model_index.json` names, ready to compute.

    `safety_checker`: False leaves the model's checker out. Raises StartError for a folder that holds no pipeline,
    weights in another format than safetensors, code of its own, or a model that lacks tensors.
    """
    for library in (diffusers.utils.logging, transformers.utils.logging):
        # Their warnings advise people who train; the progress of the start goes to the host.
        library.set_verbosity_error()
        library.disable_progress_bar()
    index = _read_index(folder)
    wanted = {name: value for name, value in index.items() if isinstance(value, list) and value[0] is not None}
    parts: dict[str, Any] = {}
    if not safety_checker and "safety_checker" in index:
        wanted.pop("safety_checker", None)
        parts = {"safety_checker": None, "requires_safety_checker": False}
    parts |= dict.fromkeys(_left_out(index))
    for number, (name, (library, class_name)) in enumerate(wanted.items()):
        progress(f"reading weights: {name}", number / len(wanted))
        part = _load_part(folder / name, library, class_name, runtime)
        if part is not None:
            parts[name] = part
    try:
        pipeline: DiffusionPipeline = DiffusionPipeline.from_pretrained(
            str(folder), dtype=runtime.dtype, local_files_only=True, use_safetensors=True, **parts
        )
    except (OSError, ValueError, AttributeError, TypeError, ImportError) as error:
        raise StartError(f"the pipeline in {folder} cannot be made: {error}", permanent=True) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    if not path.is_file():
        raise StartError(f"{folder} has no {INDEX}: expected a folder in the layout of diffusers", permanent=True)
    index = json.loads(path.read_text("utf8"))
    class_name = index.get("_class_name")
    if not isinstance(class_name, str) or not hasattr(diffusers, class_name):
        raise StartError(
            f"{INDEX} names the pipeline {class_name}, which diffusers {diffusers.__version__} does not have",
            permanent=True,
        )
    return dict(index)


def _left_out(index: dict[str, Any]) -> list[str]:
    """Text encoders and tokenizers that the pipeline's class knows and the folder does not have, such as T5 of SD 3."""
    expected = inspect.signature(getattr(diffusers, index["_class_name"]).__init__).parameters
    return [name for name in expected if name.startswith(_OPTIONAL) and index.get(name, _ABSENT) == _ABSENT]


def _load_part(folder: Path, library: str, class_name: str, runtime: TorchRuntime) -> Any:
    """A part with weights, or an image processor; None for the others, which the pipeline reads itself."""
    if library == "transformers" and class_name in _IMAGE_PROCESSORS:
        return _class_of(library, _PIL_PROCESSOR).from_pretrained(str(folder), local_files_only=True)
    files = [path.name for path in folder.glob("*.safetensors")] if folder.is_dir() else []
    if not files:
        if any(folder.glob("*.bin")):
            expect_safetensors(folder)
        return None
    variants = {match.group(1) for name in files if (match := _VARIANT.match(name))}
    has_plain = any(not _VARIANT.match(name) for name in files)
    try:
        model, found = _class_of(library, class_name).from_pretrained(
            str(folder),
            dtype=runtime.dtype,
            variant=None if has_plain or not variants else sorted(variants)[0],
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        raise StartError(f"{folder.name} cannot be read: {error}", permanent=True) from error
    expect_complete(folder.name, found)
    return runtime.optimize(model)


def _class_of(library: str, class_name: str) -> Any:
    # A third kind of name is a pipeline's own module, such as stable_diffusion for the safety checker.
    module = getattr(diffusers.pipelines, library, None)
    if library in ("diffusers", "transformers"):
        module = importlib.import_module(library)
    found = getattr(module, class_name, None)
    if found is None:
        raise StartError(
            f"{INDEX} names {class_name} of {library}, which is neither in diffusers nor in transformers here; "
            "code that comes with a model is not run",
            permanent=True,
        )
    return found
