"""Whisper in OpenVINO IR, as optimum-intel exports it, rewritten as a model of CTranslate2.

The graphs compute probabilities of tokens alone; CTranslate2 gives beam search, word times and log probabilities from
the same weights. Names of the operations in a graph are those of Transformers' modules (`modeling_whisper.py`); names
of the variables are in CTranslate2's python/ctranslate2/specs/whisper_spec.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from xim_worker import StartError

from .ir_weights import IRWeights, Layer

ENCODER, DECODER = "openvino_encoder_model.xml", "openvino_decoder_model.xml"
_BESIDE = ("tokenizer.json", "preprocessor_config.json")


@contextmanager
def as_ctranslate2(folder: Path) -> Iterator[Path]:
    """The folder itself, or for OpenVINO IR a temporary folder with `model.bin`, its configuration and the tokenizer.

    Raises StartError, permanent, where the graphs or the configuration are not those of Whisper.
    """
    if not (folder / ENCODER).is_file():
        yield folder
        return
    with TemporaryDirectory(prefix="whisper-") as made:
        try:
            _write(folder, Path(made))
        except (ValueError, KeyError, RuntimeError) as error:
            raise StartError(
                f"{folder} cannot be read as a Whisper model in OpenVINO IR: {error}", permanent=True
            ) from error
        yield Path(made)


def _write(folder: Path, output: Path) -> None:
    # Here, since an app may lack these wheels.
    from ctranslate2.specs import WhisperSpec
    from tokenizers import Tokenizer

    config, generation = _read_json(folder / "config.json"), _read_json(folder / "generation_config.json")
    if config.get("model_type") != "whisper" or config.get("activation_function", "gelu") != "gelu":
        raise ValueError(f"{folder / 'config.json'} is not of a Whisper model: expected model_type whisper and gelu")
    heads = config["decoder_attention_heads"]
    spec: Any = WhisperSpec(
        config["encoder_layers"], config["encoder_attention_heads"], config["decoder_layers"], heads
    )
    size = config["d_model"]
    encoder = IRWeights(folder / ENCODER, "conv1", size)
    _fill_encoder(spec.encoder, encoder, size // config["encoder_attention_heads"])
    encoder.expect_all_read()
    decoder = IRWeights(folder / DECODER, "embed_tokens", size)
    _fill_decoder(spec.decoder, decoder, size // heads)
    decoder.expect_all_read()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    spec.register_vocabulary(_vocabulary(tokenizer, config["vocab_size"]))
    spec.config.suppress_ids = generation.get("suppress_tokens", [])
    spec.config.suppress_ids_begin = generation.get("begin_suppress_tokens", [])
    # The tokens of the languages stand between these two.
    between = range(tokenizer.token_to_id("<|startoftranscript|>") + 1, tokenizer.token_to_id("<|translate|>"))
    spec.config.lang_ids = sorted(generation.get("lang_to_id", {}).values()) or list(between)
    # CTranslate2's own converter takes these too where a model does not tell its heads.
    last = range(config["decoder_layers"] // 2, config["decoder_layers"])
    spec.config.alignment_heads = generation.get("alignment_heads") or list(product(last, range(heads)))
    spec.validate()
    spec.optimize(quantization=None if decoder.is_float32 else "float16")
    spec.save(str(output))
    for name in _BESIDE:
        if (folder / name).is_file():
            (output / name).symlink_to((folder / name).resolve())


def _fill_encoder(spec: Any, graph: IRWeights, head_size: int) -> None:
    conv1, conv2, norm = graph.read(
        [graph.convolution("conv1"), graph.convolution("conv2"), graph.layer_norm("layer_norm")]
    )
    for target, layer in ((spec.conv1, conv1), (spec.conv2, conv2)):
        target.weight, target.bias = layer.weight, layer.bias
    spec.layer_norm.gamma, spec.layer_norm.beta = norm.weight, norm.bias
    spec.position_encodings.encodings = graph.positions()
    for number, target in enumerate(spec.layer):
        _fill_layer(graph, f"layers.{number}", head_size, target, {"self_attn": target.self_attention})


def _fill_decoder(spec: Any, graph: IRWeights, head_size: int) -> None:
    spec.scale_embeddings = False
    (norm, head) = graph.read([graph.layer_norm("layer_norm"), graph.output_layer()])
    spec.layer_norm.gamma, spec.layer_norm.beta = norm.weight, norm.bias
    spec.projection.weight = head.weight
    spec.embeddings.weight = graph.table("embed_tokens")
    spec.position_encodings.encodings = graph.positions()
    for number, target in enumerate(spec.layer):
        attentions = {"self_attn": target.self_attention, "encoder_attn": target.attention}
        _fill_layer(graph, f"layers.{number}", head_size, target, attentions)


def _fill_layer(graph: IRWeights, path: str, head_size: int, target: Any, attentions: dict[str, Any]) -> None:
    def linear(spec: Any, *layers: Layer) -> None:
        spec.weight = np.concatenate([layer.weight for layer in layers])
        spec.bias = np.concatenate([layer.bias for layer in layers])

    def layer_norm(spec: Any, layer: Layer) -> None:
        spec.gamma, spec.beta = layer.weight, layer.bias

    for name, attention in attentions.items():
        names = [f"{path}.{name}.{part}_proj" for part in ("q", "k", "v", "out")]
        query, key, value, out, norm = graph.read(
            [*map(graph.linear, names), graph.layer_norm(f"{path}.{name}_layer_norm")]
        )
        # CTranslate2 scales the queries itself; the graph may do so anywhere.
        query = query.scaled(graph.attention_scale(f"{path}.{name}", head_size) * head_size**0.5)
        if name == "self_attn":
            linear(attention.linear[0], query, key, value)
        else:
            linear(attention.linear[0], query)
            linear(attention.linear[1], key, value)
        linear(attention.linear[-1], out)
        layer_norm(attention.layer_norm, norm)
    wide, narrow, norm = graph.read(
        [graph.linear(f"{path}.fc1"), graph.linear(f"{path}.fc2"), graph.layer_norm(f"{path}.final_layer_norm")]
    )
    linear(target.ffn.linear_0, wide)
    linear(target.ffn.linear_1, narrow)
    layer_norm(target.ffn.layer_norm, norm)


def _vocabulary(tokenizer: Any, size: int) -> list[str]:
    """The tokens by number; the timestamps, which older files leave out, are the last."""
    count = min(size, tokenizer.get_vocab_size(with_added_tokens=True))
    times = (f"<|{number * 0.02:.2f}|>" for number in range(size - count))
    return [*(tokenizer.id_to_token(number) or "" for number in range(count)), *times]


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ValueError(f"{path.parent} has no {path.name}; expected a Whisper folder as optimum-intel exports it")
    found: dict[str, Any] = json.loads(path.read_text("utf8"))
    return found
