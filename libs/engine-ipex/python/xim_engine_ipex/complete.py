"""A model of Transformers, read from safetensors and complete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import transformers
from xim_worker import StartError

from .nomic_bert import read_nomic_bert


def expect_safetensors(folder: Path) -> None:
    """Raises StartError where a folder has weights as pickles alone."""
    if any(folder.glob("*.safetensors")):
        return
    pickles = ", ".join(sorted(path.name for path in folder.glob("*.bin"))) or "none"
    raise StartError(
        f"{folder.name} has no .safetensors (other weights: {pickles}); a pickle is not read, since reading it runs "
        "what is in it. Save the model with safetensors",
        permanent=True,
    )


def expect_plain(folder: Path) -> None:
    """Raises StartError where the weights are quantised, or are an adapter without its model."""
    if (folder / "adapter_config.json").is_file():
        raise StartError(
            f"{folder.name} has an adapter of peft beside or instead of a model; merge it into its model "
            "(merge_and_unload of peft) and serve the merged folder",
            permanent=True,
        )
    config = folder / "config.json"
    found = json.loads(config.read_text()).get("quantization_config") if config.is_file() else None
    if found:
        raise StartError(
            f"{folder.name} has weights that are quantised by {found.get('quant_method', 'an unnamed method')}, which "
            "this engine does not read; serve the floating-point model that they were made from",
            permanent=True,
        )


def expect_complete(name: str, found: dict[str, Any]) -> None:
    """`found`: the report of a library about the loaded tensors. It fills missing tensors with random numbers."""
    for kind, words in (("missing_keys", "lacks the tensors"), ("mismatched_keys", "has other shapes of")):
        names = sorted(map(str, found.get(kind, ())))
        if names:
            shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            raise StartError(f"{name} {words} {shown}: the files are incomplete", permanent=True)


def load_model(folder: Path, auto: Any, *, may_lack: str | None = None, **how: Any) -> Any:
    """The model that `config.json` names, by an Auto class of Transformers.

    `may_lack` is the first name of tensors whose results nobody reads.
    """
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    expect_safetensors(folder)
    expect_plain(folder)
    config = read_nomic_bert(folder)
    if config is not None:
        how["config"] = config
    try:
        model, found = auto.from_pretrained(
            str(folder), use_safetensors=True, local_files_only=True, output_loading_info=True, **how
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise StartError(f"the model in {folder} cannot be read: {error}", permanent=True) from error
    if may_lack is not None:
        found["missing_keys"] = [name for name in found["missing_keys"] if name.split(".")[0] != may_lack]
    expect_complete(folder.name, found)
    return model
