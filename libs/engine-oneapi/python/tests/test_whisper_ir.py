"""Whisper in OpenVINO IR: what CTranslate2 computes with the weights, against the graphs themselves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from xim_engine_oneapi.whisper_ir import DECODER, ENCODER, as_ctranslate2
from xim_transcription.models import Floats
from xim_worker import StartError

TINY = Path(__file__).with_name("tiny_whisper")
# By number in tokenizer.json: 257 is the end of the text, then come the start, English, German, Japanese, two tasks.
ATTENTION = "ScaledDotProductAttention"
FEATURES = np.random.default_rng(0).normal(0, 1, (1, 80, 3000)).astype(np.float32)

Change = Callable[[ov.Model], object]


def copy(folder: Path) -> Path:
    shutil.copytree(TINY, folder)
    return folder


def change_graph(path: Path, change: Change) -> None:
    model = ov.Core().read_model(path)
    change(model)
    ov.save_model(model, path.with_name("changed.xml"), compress_to_fp16=False)
    for suffix in (".xml", ".bin"):
        path.with_name(f"changed{suffix}").replace(path.with_suffix(suffix))


def nodes(model: ov.Model, kind: str) -> list[ov.Node]:
    found = [node for node in model.get_ops() if node.get_type_name() == kind]
    assert found
    return found


def rename_attention(model: ov.Model) -> None:
    for node in nodes(model, ATTENTION):
        node.set_friendly_name("attention")


def scale_in_attention(model: ov.Model) -> None:
    for node in nodes(model, ATTENTION):
        node.input(4).replace_source_output(ops.constant(np.float32(1.7)).output(0))


def scale_result(model: ov.Model) -> None:
    """A norm without a shift, which the exporter leaves out, and a scale behind a product."""
    (node,) = (node for node in nodes(model, "Add") if "encoder_attn_layer_norm" in node.get_friendly_name())
    node.output(0).replace(node.input_value(0))
    (node,) = (node for node in nodes(model, "Add") if "fc1" in node.get_friendly_name())
    scaled = ops.multiply(node, ops.constant(np.float32(0.6)))
    for target in node.output(0).get_target_inputs():
        if target.get_node() != scaled:
            target.replace_source_output(scaled.output(0))


def by_graphs(folder: Path, tokens: list[int]) -> tuple[Floats, Floats]:
    """States `[frames, size]` and logits `[tokens, vocabulary]`."""

    def infer(name: str, **inputs: Any) -> Floats:
        exact = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0, "KV_CACHE_PRECISION": "f32"}
        compiled = ov.Core().compile_model(folder / name, "CPU", exact)
        return np.array(compiled(inputs)[0])

    states = infer(ENCODER, input_features=FEATURES)
    logits = infer(
        DECODER,
        input_ids=np.array([tokens]),
        encoder_hidden_states=states,
        beam_idx=np.zeros(1, np.int32),
    )
    return states[0], logits[0]


def by_ctranslate2(folder: Path, prompt: list[int], text: list[int]) -> tuple[Floats, Floats]:
    model = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="float32")
    encoded = model.encode(ctranslate2.StorageView.from_array(FEATURES))
    (result,) = model.generate(
        encoded,
        [[*prompt, *text]],
        beam_size=1,
        max_length=2 * (len(text) + 1),
        suppress_blank=False,
        suppress_tokens=[],
        return_logits_vocab=True,
    )
    logits = np.array([np.array(row) for row in result.logits[0][: len(text) + 1]])
    return np.array(encoded)[0], logits


def error(found: Floats, expected: Floats) -> float:
    return float(np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)))


@pytest.mark.parametrize("change", [None, rename_attention, scale_in_attention, scale_result])
def test_ctranslate2_computes_as_the_graphs(tmp_path: Path, change: Change | None) -> None:
    folder = copy(tmp_path / "tiny")
    if change is not None:
        change_graph(folder / DECODER, change)
    prompt, text = [258, 259, 263, 267], [40, 41, 42, 43, 44]
    states, logits = by_graphs(folder, [*prompt, *text])
    with as_ctranslate2(folder) as made:
        found_states, found_logits = by_ctranslate2(made, prompt, text)
    assert error(found_states, states) < 1e-3
    # The weights are stored as float16.
    assert error(found_logits, logits[len(prompt) - 1 :]) < 3e-3


def test_the_settings_of_decoding_are_kept() -> None:
    with as_ctranslate2(TINY) as made:
        config = json.loads((made / "config.json").read_text())
        assert (made / "tokenizer.json").read_bytes() == (TINY / "tokenizer.json").read_bytes()
        assert (made / "preprocessor_config.json").is_file()
    expected = {"suppress_ids": [1, 2, 7], "suppress_ids_begin": [32, 257], "alignment_heads": [[0, 1]]}
    assert {name: config[name] for name in expected} == expected
    assert config["lang_ids"] == [259, 260, 261]
    assert not made.exists()


def test_languages_and_heads_that_the_model_does_not_tell(tmp_path: Path) -> None:
    folder = copy(tmp_path / "tiny")
    (folder / "generation_config.json").write_text("{}")
    with as_ctranslate2(folder) as made:
        config = json.loads((made / "config.json").read_text())
    assert config["lang_ids"] == [259, 260, 261]
    assert config["alignment_heads"] == [[0, 0], [0, 1]]


def test_a_folder_of_ctranslate2_is_served_where_it_lies(tmp_path: Path) -> None:
    with as_ctranslate2(tmp_path) as folder:
        assert folder == tmp_path


def add_weight(model: ov.Model) -> None:
    node = nodes(model, "Gelu")[0]
    extra = ops.multiply(node, ops.constant(np.ones(32, np.float32)))
    for target in node.output(0).get_target_inputs():
        if target.get_node() != extra:
            target.replace_source_output(extra.output(0))


def other_network(model: ov.Model) -> None:
    for node in model.get_ops():
        node.set_friendly_name(node.get_friendly_name().replace("embed_tokens", "words"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (add_weight, "the weight .*, which Whisper does not have, is not understood"),
        (other_network, "embed_tokens is not understood"),
    ],
)
def test_another_graph_is_refused(tmp_path: Path, change: Change, words: str) -> None:
    folder = copy(tmp_path / "tiny")
    change_graph(folder / DECODER, change)
    with pytest.raises(StartError, match=words), as_ctranslate2(folder):
        pass


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "generation_config.json").unlink(), "has no generation_config.json"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "speecht5"}'), "is not of a Whisper model"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(tmp_path: Path, spoil: Any, words: str) -> None:
    folder = copy(tmp_path / "tiny")
    spoil(folder)
    with pytest.raises(StartError, match=words), as_ctranslate2(folder):
        pass
