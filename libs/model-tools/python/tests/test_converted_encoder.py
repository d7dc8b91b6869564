"""The comparison gives a graph what the services give it: padding at the end, and positions where it asks for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from xim_convert.converted_encoder import run_encoder
from xim_convert.errors import ConvertError

TEXTS = [{"input_ids": np.array([ids])} for ids in ([5, 6], [7, 8, 9, 4], [3])]


def save_graph(path: Path, names: list[str], axis: int) -> Path:
    """Of its inputs `[rows, tokens]` it computes 1 · first + 100 · second + …: one number for each token or text."""
    inputs = [ops.parameter([-1, -1], np.int64, name) for name in names]
    for port, name in zip(inputs, names, strict=True):
        port.output(0).tensor.set_names({name})
    total = inputs[0]
    for number, port in enumerate(inputs[1:], 1):
        total = ops.add(total, ops.multiply(port, np.int64(100**number)))
    result = ops.unsqueeze(total, np.int64(2)) if axis == 2 else ops.reduce_sum(total, np.int64(1), keep_dims=True)
    ov.save_model(ov.Model([result], inputs), path)
    return path


def test_positions_count_from_0_and_each_text_has_its_tokens(tmp_path: Path) -> None:
    names = ["input_ids", "position_ids", "attention_mask"]
    found = run_encoder(save_graph(tmp_path / "model.xml", names, axis=2), TEXTS)
    read = 10_000
    expected = [[5, 106], [7, 108, 209, 304], [3]]
    assert [each[:, 0].tolist() for each in found] == [[read + number for number in row] for row in expected]


def test_a_text_ends_at_the_padding(tmp_path: Path) -> None:
    path = save_graph(tmp_path / "model.xml", ["input_ids", "token_type_ids"], axis=1)
    segments = {**TEXTS[0], "token_type_ids": np.array([[0, 1]])}
    assert [each.tolist() for each in run_encoder(path, [segments, TEXTS[1]], padding=50)] == [[211], [28]]
    assert [each.tolist() for each in run_encoder(path, TEXTS[1:])] == [[28], [3]]


def test_a_graph_with_other_inputs_is_refused(tmp_path: Path) -> None:
    path = save_graph(tmp_path / "model.xml", ["input_ids", "decoder_input_ids"], axis=2)
    with pytest.raises(ConvertError, match="the inputs decoder_input_ids, which the services do not give"):
        run_encoder(path, TEXTS)
