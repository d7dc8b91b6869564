"""The facts that are read from a folder of Sentence Transformers before the conversion."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from xim_convert.errors import ConvertError
from xim_convert.facts import expect_causal, to_options, to_shape
from xim_convert.sentence_model import copy_sentence_model, read_sentence_model

HIDDEN = np.array([[1, 2], [3, 4]], np.float32)


def write(folder: Path, files: dict[str, Any]) -> Path:
    for name, value in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(value), "utf8")
    return folder


def config(**more: Any) -> Any:
    values = {"model_type": "bert", "max_position_embeddings": 512, "num_hidden_layers": 6, "hidden_size": 8}
    return SimpleNamespace(**{**values, "pad_token_id": 0, **more})


@pytest.mark.parametrize(
    ("pooling", "expected", "vector"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls", [1, 2]),
        ({"pooling_mode": "cls"}, "cls", [1, 2]),
        ({"pooling_mode_lasttoken": True}, "lasttoken", [3, 4]),
        ({"pooling_mode": "max"}, "max", [3, 4]),
        ({"pooling_mode_mean_tokens": True}, "mean", [2, 3]),
    ],
)
def test_the_pooling_is_read_in_both_spellings(
    tmp_path: Path, pooling: dict[str, Any], expected: str, vector: list[float]
) -> None:
    write(tmp_path, {"1_Pooling/config.json": pooling})
    assert to_options("embed", tmp_path) == {"pooling": expected, "normalize": True}
    assert read_sentence_model(tmp_path).to_vector(HIDDEN).tolist() == vector


def test_several_poolings_stand_one_after_the_other(tmp_path: Path) -> None:
    write(tmp_path, {"1_Pooling/config.json": {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}})
    assert to_options("embed", tmp_path) == {"normalize": True}
    assert read_sentence_model(tmp_path).to_vector(HIDDEN).tolist() == [1, 2, 2, 3]
    assert to_shape("embed", tmp_path, config())["dimensions"] == 16


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"1_Pooling/config.json": {"pooling_mode": "attention"}}, "the pooling attention"),
        ({"1_Pooling/config.json": {"pooling_mode_attention": True}}, "pooling_mode_attention"),
        ({"modules.json": [{"type": "a.LSTM", "path": "1_LSTM"}]}, "the module LSTM"),
        ({"modules.json": [{"type": "a.Dense", "path": "2_Dense"}]}, r"no model\.safetensors"),
    ],
)
def test_what_the_service_would_refuse_is_refused_here(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    with pytest.raises(ConvertError, match=message):
        read_sentence_model(write(tmp_path, files))


@pytest.mark.parametrize(
    ("more", "asked", "expected"),
    [
        ({}, None, 512),
        ({}, 256, 256),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, None, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 514, 512),
    ],
)
def test_the_longest_text(tmp_path: Path, more: dict[str, Any], asked: int | None, expected: int) -> None:
    write(tmp_path, {"sentence_bert_config.json": {"max_seq_length": asked}})
    assert to_shape("embed", tmp_path, config(**more))["contextLength"] == expected


def test_what_the_service_reads_goes_beside_the_model(tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    output.mkdir()
    dense = {"2_Dense/config.json": {"out_features": 4}, "2_Dense/model.safetensors": {}}
    write(folder, {"modules.json": [], "1_Pooling/config.json": {}, **dense, "README.md": ""})
    with pytest.raises(ConvertError, match="no tokenizer"):
        copy_sentence_model(folder, output)
    write(folder, {"vocab.txt": {}})
    copy_sentence_model(folder, output)
    copied = sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())
    assert copied == ["1_Pooling/config.json", *dense, "modules.json", "vocab.txt"]


def test_a_language_model_attends_to_earlier_tokens_only() -> None:
    for attention in ({}, {"use_bidirectional_attention": None}, {"use_bidirectional_attention": "vision"}):
        expect_causal(SimpleNamespace(**attention))
    with pytest.raises(ConvertError, match="attends to later tokens too"):
        expect_causal(SimpleNamespace(use_bidirectional_attention=True))


@pytest.mark.parametrize(
    ("files", "more", "expected"),
    [
        ({}, {}, 512),
        ({}, {"n_positions": 1024}, 1024),
        ({"sentence_bert_config.json": {"max_seq_length": 256}}, {"n_positions": 512}, 256),
    ],
)
def test_t5_has_no_positions(tmp_path: Path, files: dict[str, Any], more: dict[str, int], expected: int) -> None:
    t5 = SimpleNamespace(model_type="t5", hidden_size=8, num_hidden_layers=2, **more)
    assert to_shape("embed", write(tmp_path, files), t5)["contextLength"] == expected
