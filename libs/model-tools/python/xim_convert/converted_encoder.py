"""A converted encoder, computed as the services compute it: all texts in one batch, padded at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from .errors import ConvertError

_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")


def run_encoder(model: Path, texts: Sequence[Any], padding: int = 0) -> list[Any]:
    """The first output of the graph `model` for each text: `[tokens, elements]`, or `[labels]` of a classification.

    `texts` are what a tokenizer gives for one text: rows `[1, tokens]` by name. Positions count from 0, whatever the
    tokenizer says, where the graph asks for them. Raises ConvertError for a graph with other inputs.
    """
    # The arithmetic of the comparison, on every CPU.
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    inputs = {port.any_name for port in compiled.inputs}
    if unknown := sorted(inputs.difference(_INPUTS)):
        raise ConvertError(
            f"the graph has the inputs {', '.join(unknown)}, which the services do not give; known are "
            f"{', '.join(_INPUTS)}"
        )
    rows = [{name: np.asarray(values)[0] for name, values in text.items()} for text in texts]
    lengths = [len(row["input_ids"]) for row in rows]
    shape = len(rows), max(lengths)
    batch = {name: np.zeros(shape, np.int64) for name in _INPUTS}
    batch["input_ids"][:] = padding
    batch["position_ids"][:] = np.arange(shape[1])
    for number, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        batch["input_ids"][number, :length] = row["input_ids"]
        batch["attention_mask"][number, :length] = 1
        batch["token_type_ids"][number, :length] = row.get("token_type_ids", 0)
    output = compiled({name: batch[name] for name in inputs})[0]
    return [each[:length] if output.ndim == 3 else each for each, length in zip(output, lengths, strict=True)]
