"""Encoders that are exported without the exporter: NomicBERT, and the encoders of T5 and mT5.

Of T5 the decoder is left out, as Sentence Transformers does. Transformers is taught that `AutoModel` means these.
"""

from __future__ import annotations

from pathlib import Path

import openvino as ov
import torch
from transformers import AutoConfig, AutoModel, MT5Config, MT5EncoderModel, T5Config, T5EncoderModel

from .facts import longest_text
from .nomic_bert import NomicBertConfig, NomicBertModel

_ENCODERS = {NomicBertConfig: NomicBertModel, T5Config: T5EncoderModel, MT5Config: MT5EncoderModel}
PLAIN = tuple(config.model_type for config in _ENCODERS)
"""Each `model_type` in config.json."""


def export_plain(folder: Path, model: Path, weights: str) -> None:
    """Writes the graph `model` (a path that ends in .xml) and, beside it, config.json."""
    original = AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    tokens = torch.ones((2, 8), dtype=torch.int64)
    names = ("input_ids", "attention_mask")
    graph = ov.convert_model(original, example_input=dict.fromkeys(names, tokens))
    # Beside these the converter may give them names of its own, which are numbers.
    for port, name in zip([*graph.inputs, *graph.outputs], [*names, "last_hidden_state"], strict=True):
        port.tensor.set_names({name})
    ov.save_model(graph, model, compress_to_fp16=weights != "fp32")
    if not hasattr(original.config, "max_position_embeddings"):
        # The services read the limit of a text from config.json.
        original.config.n_positions = longest_text(folder, original.config)
    original.config.save_pretrained(model.parent)


AutoConfig.register(NomicBertConfig.model_type, NomicBertConfig, exist_ok=True)
for _config, _model in _ENCODERS.items():
    AutoModel.register(_config, _model, exist_ok=True)
