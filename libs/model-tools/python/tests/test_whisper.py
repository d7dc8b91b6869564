"""Whisper to CTranslate2: random models in the published layouts, read back by faster-whisper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel
from safetensors.torch import load_file, save_file
from whisper_files import write_json, write_whisper
from xim_convert import compare_whisper, whisper
from xim_convert.errors import ConvertError


def convert(folder: Path, weights: str = "fp32") -> tuple[dict[str, Any], Path]:
    output = folder.parent / f"{folder.name}-{weights}"
    output.mkdir()
    return whisper.to_ctranslate2(weights, folder, output, lambda step: None), output


def read_back(output: Path, compute: str) -> WhisperModel:
    return WhisperModel(str(output), device="cpu", compute_type=compute, cpu_threads=1, local_files_only=True)


@pytest.mark.parametrize(
    ("facts", "languages"),
    [
        pytest.param({}, 99, id="multilingual"),
        pytest.param({"languages": 100, "mels": 128, "layers": 1, "dtype": "float16"}, 100, id="turbo"),
        pytest.param({"english": True, "layers": 1}, 1, id="distil-english"),
    ],
)
def test_every_layout_is_read_by_the_service_s_library(tmp_path: Path, facts: dict[str, Any], languages: int) -> None:
    folder = write_whisper(tmp_path / "tiny", **facts)
    made, output = convert(folder)
    assert made == {"shape": {}, "options": {"computeType": "float32"}, "agreement": 1.0}
    assert sorted(path.name for path in output.iterdir()) == [
        *("config.json", "model.bin", "preprocessor_config.json", "tokenizer.json", "vocabulary.json"),
    ]
    model = read_back(output, "float32")
    assert model.model.is_multilingual == (languages > 1)
    assert model.model.n_mels == facts.get("mels", 80)
    token = model.hf_tokenizer.token_to_id
    assert sum(token(f"<|{code}|>") is not None for code in model.supported_languages) == languages
    config = json.loads((output / "config.json").read_text())
    assert config["alignment_heads"] == [[facts.get("layers", 2) - 1, 0]]
    assert languages == 1 or len(config["lang_ids"]) == languages
    segments, info = model.transcribe(np.zeros(16_000, np.float32), language="en", beam_size=1, temperature=0)
    assert info.language == "en"
    assert all(segment.end >= segment.start for segment in segments)


def test_weights_are_stored_as_asked(tmp_path: Path) -> None:
    folder = write_whisper(tmp_path / "tiny")
    sizes = {}
    for weights, compute in whisper.COMPUTE.items():
        made, output = convert(folder, weights)
        assert made["options"] == {"computeType": compute}
        assert made["agreement"] >= compare_whisper.LEAST_AGREEMENT[weights]
        sizes[weights] = (output / "model.bin").stat().st_size
    # The table of tokens is nearly all of so small a model.
    assert 1.9 < sizes["fp32"] / sizes["fp16"] < 2.1
    assert sizes["int8"] < 0.65 * sizes["fp16"]


def test_a_processor_that_transformers_5_saved_gives_the_features(tmp_path: Path) -> None:
    folder = write_whisper(tmp_path / "tiny")
    path = folder / "preprocessor_config.json"
    features = json.loads(path.read_text())
    path.unlink()
    write_json(folder / "processor_config.json", {"feature_extractor": features})
    _, output = convert(folder)
    assert json.loads((output / "preprocessor_config.json").read_text()) == features


@pytest.mark.parametrize("part", ["encoder.layers.1.fc1.weight", "decoder.layers.0.encoder_attn.v_proj.weight"])
def test_a_result_that_is_another_model_is_refused(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_whisper(tmp_path / "tiny")
    original = compare_whisper.compare_whisper

    def compare(before: Path, after: Path, weights: str, compute: str) -> float:
        tensors = load_file(before / "model.safetensors")
        tensors[f"model.{part}"] = -3 * tensors[f"model.{part}"]
        save_file(tensors, before / "model.safetensors", {"format": "pt"})
        return original(before, after, weights, compute)

    monkeypatch.setattr(whisper, "compare_whisper", compare)
    with pytest.raises(ConvertError, match=r"expected at least 0\.99"):
        convert(folder)


def change(name: str, **more: Any) -> Any:
    def apply(folder: Path) -> None:
        path = folder / name
        write_json(path, {**json.loads(path.read_text()), **more})

    return apply


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (change("generation_config.json", lang_to_id={}), "is multilingual for CTranslate2, and .* has 0 languages"),
        (change("config.json", model_type="wav2vec2"), "type wav2vec2; for transcribe expected whisper"),
        (change("preprocessor_config.json", feature_size=128), "feature_size 128; expected 80"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), "feature_size None; expected 80"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "has no tokenizer.json"),
        (lambda folder: (folder / "generation_config.json").unlink(), "has no generation_config.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), "has no weights"),
    ],
)
def test_a_folder_that_is_no_whole_whisper_is_refused(spoil: Any, words: str, tmp_path: Path) -> None:
    folder = write_whisper(tmp_path / "tiny")
    spoil(folder)
    with pytest.raises(ConvertError, match=words):
        convert(folder)
