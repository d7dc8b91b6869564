"""The model for the times of words: a tiny wav2vec 2.0 with random weights, compared with PyTorch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from xim_engine_oneapi.character_model import CTCModel
from xim_transcription.models import Floats
from xim_worker import Companion, StartError

TINY = Path(__file__).with_name("tiny_wav2vec2")


def open_model(folder: Path = TINY, **options: Any) -> CTCModel:
    return CTCModel(Companion({}, str(folder), options), 1)


def sound() -> Floats:
    return (0.1 * np.random.default_rng(0).standard_normal(12_000) + 0.05).astype(np.float32)


def test_the_emission_is_that_of_pytorch() -> None:
    found = open_model().emit(sound())
    expected = np.load(TINY / "reference.npy")
    assert found.shape == expected.shape == (37, 32)
    assert np.abs(found - expected).max() < 2e-3
    assert np.exp(found).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_the_shortest_sound_has_a_frame() -> None:
    model = open_model()
    assert model.emit(sound()[: model.least_samples]).shape == (1, 32)


def test_characters_blank_and_separator_are_read_from_the_vocabulary() -> None:
    model = open_model(languages=["de", "fr"])
    assert (model.blank, model.separator, model.languages) == (0, 4, ["de", "fr"])
    assert sorted(model.characters) == sorted("ABCDEFGHIJKLMNOPQRSTUVWXYZ'")
    assert open_model().languages == ["en"]


def without(name: str, folder: Path) -> None:
    (folder / name).unlink()


def change_vocabulary(folder: Path) -> None:
    vocabulary = json.loads((folder / "vocab.json").read_text())
    (folder / "vocab.json").write_text(json.dumps({**vocabulary, "Ä": 40}))


def make_other_model(folder: Path) -> None:
    tokens = ops.parameter([1, 16], np.int64)
    ov.save_model(ov.Model([ops.add(tokens, tokens)], [tokens]), folder / "openvino_model.xml")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: without("vocab.json", folder), r"no vocab\.json"),
        (lambda folder: without("openvino_model.xml", folder), r"expected one \.onnx or \.xml file"),
        (change_vocabulary, r"expected \[frames, 41\]"),
        (make_other_model, "does not take sound"),
    ],
)
def test_a_folder_that_does_not_fit_is_refused(spoil: Any, words: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(TINY, folder)
    spoil(folder)
    with pytest.raises(StartError, match=words):
        open_model(folder)
