"""The files of xFasterTransformer, compared with their sources: what the library's converters get wrong is an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from xim_convert import xft
from xim_convert.errors import ConvertError
from xim_convert.xft_files import SafeTensors, expected_files
from xim_convert.xft_kinds import KINDS, kind_of

HIDDEN, INNER, VOCABULARY, HEADS, KV_HEADS, LAYERS = 16, 24, 32, 4, 2, 2
NUMPY = {"fp16": np.float16, "fp32": np.float32}
Change = Callable[[Path], None]


def write_model(folder: Path, kind: str = "llama", **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    head = HIDDEN // HEADS
    config = {
        "model_type": kind,
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "vocab_size": VOCABULARY,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "max_position_embeddings": 64,
        "rope_theta": 50_000.0,
        **more,
    }
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (VOCABULARY, HIDDEN),
        "model.norm.weight": (HIDDEN,),
        "lm_head.weight": (VOCABULARY, HIDDEN),
    }
    for layer in range(LAYERS):
        block = f"model.layers.{layer}."
        for part, heads in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)):
            shapes[f"{block}self_attn.{part}_proj.weight"] = (heads * head, HIDDEN)
            if kind == "qwen2":
                shapes[f"{block}self_attn.{part}_proj.bias"] = (heads * head,)
        if kind == "qwen3":
            shapes |= {f"{block}self_attn.{part}_norm.weight": (head,) for part in "qk"}
        shapes[f"{block}self_attn.o_proj.weight"] = (HIDDEN, HIDDEN)
        shapes |= {f"{block}mlp.{part}_proj.weight": (INNER, HIDDEN) for part in ("gate", "up")}
        shapes[f"{block}mlp.down_proj.weight"] = (HIDDEN, INNER)
        shapes |= {f"{block}{norm}_layernorm.weight": (HIDDEN,) for norm in ("input", "post_attention")}
    torch.manual_seed(0)
    save_file(
        {name: torch.randn(shape).to(torch.bfloat16) for name, shape in shapes.items()},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text("{}")
    return folder


def install_converter(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """A converter that writes what the library's writes, then changes it."""

    class Converter:
        def convert(self, folder: str, output: str, dtype: str, processes: int) -> None:
            config = json.loads((Path(folder) / "config.json").read_text())
            kind = kind_of(config)
            assert (Path(folder) / "generation_config.json").is_file()
            lines = {
                "num_layer": LAYERS,
                "head_num": HEADS,
                "kv_head_num": KV_HEADS,
                "vocab_size": VOCABULARY,
                "rope_theta": config["rope_theta"],
                "weight_data_type": dtype,
            }
            text = "\n".join(f"{name} = {value}" for name, value in lines.items())
            (Path(output) / "config.ini").write_text(f"[{config['model_type']}]\n{text}\n")
            with SafeTensors(Path(folder)) as tensors:
                for file in expected_files(kind, config, dtype, tensors.names):
                    numbers = xft._source_of(file, tensors).to(torch.float16).float().numpy()
                    np.ascontiguousarray(numbers).astype(NUMPY[dtype]).tofile(Path(output) / file.name)
            change(Path(output))

    tools = ModuleType("tools")
    for kind in KINDS:
        setattr(tools, kind.converter, Converter)
    monkeypatch.setattr(xft, "_import_tools", lambda: tools)


def convert(tmp_path: Path, weights: str = "fp16", **more: Any) -> dict[str, Any]:
    (tmp_path / "out").mkdir()
    return xft.to_xft(weights, write_model(tmp_path / "in", **more), tmp_path / "out", lambda step: None)


@pytest.mark.parametrize("weights", ["fp16", "fp32"])
@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_right_files_are_kept_with_the_tokenizer(
    kind: str, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_converter(monkeypatch, lambda output: None)
    assert convert(tmp_path, weights, kind=kind) == {
        "shape": {"contextLength": 64, "layers": LAYERS, "kvHeads": KV_HEADS, "headDim": HIDDEN // HEADS},
        "options": {"weights": weights},
        "agreement": 1.0,
    }
    assert (tmp_path / "out/tokenizer.json").is_file()


def replace(name: str, old: str, new: str) -> Change:
    def change(output: Path) -> None:
        text = (output / name).read_text()
        assert old in text
        (output / name).write_text(text.replace(old, new))

    return change


def spoil(output: Path) -> None:
    path = output / "model.layers.1.mlp.up_proj.weight.0.bin"
    numbers = np.fromfile(path, np.float16)
    numbers[7] += 1
    numbers.tofile(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda output: (output / "config.ini").unlink(), r"wrote no config\.ini"),
        (replace("config.ini", "rope_theta = 50000.0", "rope_theta = 10000"), "rope_theta = 10000 .* has 50000.0"),
        (replace("config.ini", "vocab_size = 32\n", ""), "vocab_size = None"),
        (lambda output: (output / "model.wte.bin").unlink(), r"did not write model\.wte\.bin \(16 files of 17\)"),
        (lambda output: (output / "model.layers.9.x.bin").touch(), r"wrote model\.layers\.9\.x\.bin"),
        (
            lambda output: (output / "model.wte.bin").write_bytes(b""),
            r"model\.wte\.bin has 0 numbers; its source has 512",
        ),
        (spoil, r"model\.layers\.1\.mlp\.up_proj\.weight\.0\.bin differs from its source"),
    ],
)
def test_what_a_converter_gets_wrong_is_an_error(
    change: Change, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_converter(monkeypatch, change)
    with pytest.raises(ConvertError, match=words):
        convert(tmp_path)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"kind": "gpt2"}, "expected one of llama, qwen2, qwen3, chatglm"),
        ({"weights": "bf16"}, "writes no bf16; convert with --weights fp16 or fp32"),
        ({"vocab_size": 40}, r"has the shape \[32, 16\]; config.json says 40 x 16"),
        ({"num_hidden_layers": 3}, r"lacks the tensor model\.layers\.2\."),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, r"positions are scaled \(llama3\)"),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, r"positions are scaled \(dynamic\)"),
        ({"head_dim": 8}, "a head has 8 numbers, and the converter assumes 4"),
        ({"attention_bias": True}, "attention_bias"),
        ({"mlp_bias": True}, "mlp_bias"),
        ({"kind": "qwen2", "use_sliding_window": True}, "window"),
        ({"quantization_config": {}}, "quantised"),
    ],
)
def test_what_a_converter_would_misread_is_refused_by_name(more: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(ConvertError, match=words):
        convert(tmp_path, **more)


def test_the_base_of_the_positions_is_read_as_transformers_5_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_converter(monkeypatch, lambda output: None)
    folder = write_model(tmp_path / "in", rope_parameters={"rope_type": "default", "rope_theta": 1e6})
    config = json.loads((folder / "config.json").read_text())
    del config["rope_theta"]
    (folder / "config.json").write_text(json.dumps(config))
    (tmp_path / "out").mkdir()
    xft.to_xft("fp16", folder, tmp_path / "out", lambda step: None)
    assert "rope_theta = 1000000.0" in (tmp_path / "out/config.ini").read_text()


def test_numbers_beyond_fp16_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_converter(monkeypatch, lambda output: None)
    folder = write_model(tmp_path / "in")
    with SafeTensors(folder) as tensors:
        kept = {name: tensors(name).clone() for name in tensors.names}
    kept["model.norm.weight"][3] = 1e6
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    (tmp_path / "out").mkdir()
    with pytest.raises(ConvertError, match=r"model\.final_layernorm\.weight\.bin has numbers beyond"):
        xft.to_xft("fp16", folder, tmp_path / "out", lambda step: None)
