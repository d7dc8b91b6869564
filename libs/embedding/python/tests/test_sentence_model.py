"""Folders in the layout of Sentence Transformers, and the contents that are refused."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xim_embedding.encoder import Floats
from xim_embedding.sentence_model import read_context_length, read_sentence_model
from xim_worker import InvalidInput, StartError

HIDDEN = np.array([[[1, 2], [3, 4], [100, 100]]], np.float32)
MASK = np.array([[1, 1, 0]], np.int64)


def write(folder: Path, files: dict[str, Any]) -> Path:
    for name, value in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value), "utf8")
    return folder


def write_tensors(path: Path, **tensors: Floats) -> None:
    header, data = {}, b""
    for name, values in tensors.items():
        raw = values.astype("<f4").tobytes()
        shape, offsets = list(values.shape), [len(data), len(data) + len(raw)]
        header[f"linear.{name}"] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
        data += raw
    encoded = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + data)


def modules(*kinds: str) -> list[dict[str, str]]:
    paths = [f"{number}_{kind}" if number else "" for number, kind in enumerate(kinds)]
    return [
        {"type": f"sentence_transformers.models.{kind}", "path": path} for kind, path in zip(kinds, paths, strict=True)
    ]


def unit(*values: float) -> Floats:
    vector = np.array([values], np.float32)
    scaled: Floats = (vector / np.linalg.norm(vector)).astype(np.float32)
    return scaled


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, unit(1, 2)),
        ({"pooling_mode": "cls"}, unit(1, 2)),
        ({"pooling_mode": "lasttoken", "include_prompt": True}, unit(3, 4)),
        ({"pooling_mode": ["cls", "max"]}, unit(1, 2, 3, 4)),
        ({"pooling_mode_lasttoken": True, "pooling_mode_mean_tokens": True}, unit(2, 3, 3, 4)),
    ],
)
def test_both_spellings_of_a_pooling(tmp_path: Path, config: dict[str, Any], expected: Floats) -> None:
    files = {"modules.json": modules("Transformer", "Pooling", "Normalize"), "1_Pooling/config.json": config}
    model = read_sentence_model(write(tmp_path, files), {})
    np.testing.assert_allclose(model.to_vectors(HIDDEN, MASK), expected, rtol=1e-6)


def test_the_profile_goes_before_the_folder_and_mean_is_the_default(tmp_path: Path) -> None:
    assert np.allclose(read_sentence_model(tmp_path, {}).to_vectors(HIDDEN, MASK), unit(2, 3))
    write(tmp_path, {"1_Pooling/config.json": {"pooling_mode": "max"}})
    assert np.allclose(read_sentence_model(tmp_path, {}).to_vectors(HIDDEN, MASK), unit(3, 4))
    assert np.allclose(read_sentence_model(tmp_path, {"pooling": "cls"}).to_vectors(HIDDEN, MASK), unit(1, 2))


def test_dense_layers_follow(tmp_path: Path) -> None:
    dense = {"in_features": 2, "out_features": 3, "bias": True, "activation_function": "torch.nn.modules.Tanh"}
    files = {
        "modules.json": modules("Transformer", "Pooling", "Dense"),
        "1_Pooling/config.json": {"pooling_mode": "cls"},
        "2_Dense/config.json": dense,
    }
    write(tmp_path, files)
    weight, bias = np.array([[1, 0], [0, 0.5], [1, 1]], np.float32), np.array([0, 0, -3.5], np.float32)
    write_tensors(tmp_path / "2_Dense/model.safetensors", weight=weight, bias=bias)
    vectors = read_sentence_model(tmp_path, {}).to_vectors(HIDDEN, MASK)
    np.testing.assert_allclose(vectors, unit(*np.tanh([1, 1, -0.5])), rtol=1e-6)


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({"modules.json": modules("Transformer", "LSTM")}, {}, "the module LSTM"),
        ({"1_Pooling/config.json": {"pooling_mode": "attention"}}, {}, 'pooled by "attention"'),
        ({"1_Pooling/config.json": {"pooling_mode_attention": True}}, {}, "pooling_mode_attention"),
        ({"1_Pooling/config.json": {}}, {}, "no pooling"),
        ({}, {"pooling": "first"}, 'pooled by "first"'),
        ({}, {"normalize": False}, "not normalised"),
        ({"config_sentence_transformers.json": {"default_prompt_name": "q"}}, {}, 'default_prompt_name is "q"'),
        (
            {
                "modules.json": modules("Transformer", "Pooling", "Dense"),
                "1_Pooling/config.json": {"pooling_mode": "cls"},
                "2_Dense/config.json": {"activation_function": "torch.nn.Identity"},
            },
            {},
            "a pickle",
        ),
        (
            {
                "modules.json": modules("Transformer", "Dense"),
                "1_Dense/config.json": {"activation_function": "torch.nn.modules.activation.GELU"},
            },
            {},
            "the activation GELU",
        ),
    ],
)
def test_what_is_not_understood_is_refused_by_name(
    tmp_path: Path, files: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(StartError, match=message) as refusal:
        read_sentence_model(write(tmp_path, files), options)
    assert refusal.value.permanent


def test_prompts(tmp_path: Path) -> None:
    config = {"prompts": {"query": "query: ", "passage": "passage: "}, "default_prompt_name": "query"}
    model = read_sentence_model(write(tmp_path, {"config_sentence_transformers.json": config}), {})
    assert [model.prompt_text(name) for name in (None, "passage", "document")] == ["query: ", "passage: ", "passage: "]
    with pytest.raises(InvalidInput, match='no prompt "qery"; it has: "query", "passage"') as refusal:
        model.prompt_text("qery")
    assert refusal.value.param == "prompt"


def test_documents_of_a_model_with_a_prompt_for_queries_alone(tmp_path: Path) -> None:
    config = {"prompts": {"query": "query: "}}
    model = read_sentence_model(write(tmp_path, {"config_sentence_transformers.json": config}), {})
    assert [model.prompt_text(name) for name in (None, "document")] == ["", ""]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"config.json": {"model_type": "bert", "max_position_embeddings": 512}}, 512),
        ({"config.json": {"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}}, 512),
        ({"config.json": {"model_type": "mpnet", "max_position_embeddings": 514}}, 512),
        ({"config.json": {"max_position_embeddings": 512}, "sentence_bert_config.json": {"max_seq_length": 256}}, 256),
        ({"config.json": {"max_position_embeddings": 512}, "sentence_bert_config.json": {"max_seq_length": None}}, 512),
        ({"config.json": {"n_positions": 8192, "max_trained_positions": 2048}}, 2048),
        ({"tokenizer_config.json": {"model_max_length": 1000000000000000019884624838656}}, None),
        ({}, None),
    ],
)
def test_the_longest_text(tmp_path: Path, files: dict[str, Any], expected: int | None) -> None:
    assert read_context_length(write(tmp_path, files)) == expected
