"""Models of ChatGLM, Baichuan and DeepSeek as files of xFasterTransformer, without the Python of their repositories."""

from __future__ import annotations

import configparser
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from xft_families import (
    BAICHUAN,
    BAICHUAN2,
    CHATGLM,
    DEEPSEEK,
    DEEPSEEK_FP8,
    FAMILIES,
    GLM4,
    LAYERS,
    expected_bytes,
    make_tensors,
    write_model,
)
from xim_convert import xft
from xim_convert.errors import ConvertError
from xim_convert.xft_kinds import KINDS, ini_values, kind_of

ROOT = Path(__file__).parents[4]
Change = Callable[[Path], None]


class AutoModel:
    """In this module as in those of the library's converters; the reader stands in for it."""

    config: Any
    state_dict: Any

    @classmethod
    def from_pretrained(cls, folder: str, **_: object) -> AutoModel:
        raise AssertionError(f"Transformers would load {folder}, with the Python in it")


def weights_of(family: str) -> tuple[str, ...]:
    if family.startswith("deepseek"):
        return ("fp8_e4m3",) if family.endswith("fp8") else ("bf16",)
    return ("fp16", "fp32")


CASES = [(family, weights) for family in FAMILIES for weights in weights_of(family)]


def library_tools() -> Path | None:
    """The folder with the library's package: of the tests' environment, or of the tools in the model cache."""
    spec = importlib.util.find_spec("xfastertransformer") if "xfastertransformer" not in sys.modules else None
    if spec and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0]).parent
    cache = Path(os.environ.get("XIM_MODEL_CACHE", ROOT / ".model_cache"))
    found = cache.glob(".tools/xft-*/lib/python3*/site-packages/xfastertransformer")
    return next((path.parent for path in found), None)


LIBRARY = library_tools()


def install_stand_in(monkeypatch: pytest.MonkeyPatch, family: str, change: Change = lambda output: None) -> None:
    """A converter that has Transformers load the model, as the library's do, and writes what they write."""

    class Converter:
        def convert(self, folder: str, output: str, dtype: str, processes: int) -> None:
            model = AutoModel.from_pretrained(folder, trust_remote_code=True)
            read = model.state_dict()
            if dtype == "fp8_e4m3":
                read = make_tensors(DEEPSEEK_FP8)
            for name, content in expected_bytes(family, read, dtype).items():
                (Path(output) / name).write_bytes(content)
            if family == "baichuan2":
                head = torch.nn.functional.normalize(read["lm_head.weight"]).to(xft.DTYPES[dtype])
                head.numpy().tofile(Path(output) / "model.lm_head.weight.bin")
            config = {**vars(model.config)}
            values = ini_values(kind_of(config), config, dtype)
            text = "\n".join(f"{name} = {value}" for name, value in values.items())
            (Path(output) / "config.ini").write_text(f"[{family}]\nmodel_name = {config['_name_or_path']}\n{text}\n")
            change(Path(output))

    tools = ModuleType("tools")
    for kind in KINDS:
        setattr(tools, kind.converter, Converter)
    monkeypatch.setattr(xft, "_import_tools", lambda: tools)


def convert(tmp_path: Path, config: dict[str, Any], weights: str) -> dict[str, Any]:
    (tmp_path / "out").mkdir()
    write_model(tmp_path / "in", config)
    return xft.to_xft(weights, tmp_path / "in", tmp_path / "out", lambda step: None)


def expect_right(family: str, weights: str, tmp_path: Path) -> None:
    config = FAMILIES[family]
    result = convert(tmp_path, config, weights)
    expected = expected_bytes(family, make_tensors(config), weights)
    found = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("model.*.bin")}
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name] and name != "model.lm_head.weight.bin"] == []
    head, width = "model.lm_head.weight.bin", {"fp16": torch.float16, "fp32": torch.float32}.get(weights)
    if family == "baichuan2" and width:
        # Two formulas for a length differ in the last bit.
        one, other = (torch.frombuffer(bytearray(files[head]), dtype=width).float() for files in (found, expected))
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)
        assert torch.allclose(one.reshape(-1, 16).norm(dim=1), torch.tensor(1.0), atol=2e-3)
    else:
        assert found[head] == expected[head]
    ini = configparser.ConfigParser()
    ini.read(tmp_path / "out/config.ini")
    section = ini[ini.sections()[0]]
    assert (section["num_layer"], section["weight_data_type"]) == (str(LAYERS), weights)
    assert result["shape"]["layers"] == LAYERS
    assert result["options"]["weights"] == weights
    assert (tmp_path / "out/tokenizer.json").is_file()


@pytest.mark.parametrize(("family", "weights"), CASES)
def test_every_file_is_that_of_its_tensors(
    family: str, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_stand_in(monkeypatch, family)
    expect_right(family, weights, tmp_path)


@pytest.mark.skipif(LIBRARY is None, reason="wheels:xft: xim-models convert --to xft installs the converters")
@pytest.mark.parametrize(("family", "weights"), CASES)
def test_the_library_writes_these_files(
    family: str, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Last, so that other packages are those of the tests.
    monkeypatch.setattr(sys, "path", [*sys.path, str(LIBRARY)])
    expect_right(family, weights, tmp_path)


def test_deepseek_is_computed_in_the_dtype_of_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_stand_in(monkeypatch, "deepseek_v3")
    assert convert(tmp_path, DEEPSEEK, "bf16") == {
        "shape": {"contextLength": 64, "layers": LAYERS, "kvHeads": 4, "headDim": 3},
        "options": {"weights": "bf16", "dtype": "bf16", "kvDtype": "bf16"},
        "agreement": 1.0,
    }


def change_one(output: Path) -> None:
    path = min(path for part in ("4h_to_h", "down_proj") for path in output.glob(f"model.layers.1.mlp.*{part}.weight*"))
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(("family", "weights"), CASES)
def test_a_file_that_differs_in_one_number_is_an_error(
    family: str, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_stand_in(monkeypatch, family, change_one)
    with pytest.raises(ConvertError, match=r"model\.layers\.1\.mlp\..* differs from its source"):
        convert(tmp_path, FAMILIES[family], weights)


def test_a_head_that_was_not_normalised_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def undo(output: Path) -> None:
        head = make_tensors(BAICHUAN2)["lm_head.weight"]
        head.to(torch.float16).numpy().tofile(output / "model.lm_head.weight.bin")

    install_stand_in(monkeypatch, "baichuan2", undo)
    with pytest.raises(ConvertError, match=r"model\.lm_head\.weight\.bin differs"):
        convert(tmp_path, BAICHUAN2, "fp16")


@pytest.mark.parametrize(
    ("family", "old", "new"),
    [
        ("chatglm4", "rope_ratio = 500", "rope_ratio = 1"),
        ("chatglm2", "layernorm_eps = 1.5625e-07", "layernorm_eps = 1e-05"),
        ("baichuan", "max_pos_seq_len = 64", "max_pos_seq_len = 0"),
        ("deepseek_v3", "q_lora_rank = 12", "q_lora_rank = None"),
        ("deepseek_v3", "rope_scaling_mscale_all_dim = 0.7", "rope_scaling_mscale_all_dim = 1.0"),
        ("deepseek_v3", "norm_topk_prob = True", "norm_topk_prob = False"),
        ("deepseek_v3", "weight_data_type = bf16", "weight_data_type = fp16"),
    ],
)
def test_a_wrong_word_in_config_ini_is_an_error(
    family: str, old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(output: Path) -> None:
        text = (output / "config.ini").read_text()
        assert f"{old}\n" in text
        (output / "config.ini").write_text(text.replace(f"{old}\n", f"{new}\n"))

    install_stand_in(monkeypatch, family, change)
    with pytest.raises(ConvertError, match=f"wrote {new} into"):
        convert(tmp_path, FAMILIES[family], weights_of(family)[0])


def without(config: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != name}


def scaled(**more: Any) -> dict[str, Any]:
    return {**DEEPSEEK, "rope_scaling": {**DEEPSEEK["rope_scaling"], **more}}


@pytest.mark.parametrize(
    ("config", "weights", "words"),
    [
        (without(CHATGLM, "padded_vocab_size"), "fp16", "first ChatGLM, whose positions have two dimensions"),
        ({**CHATGLM, "rmsnorm": False}, "fp16", "rmsnorm"),
        ({**CHATGLM, "post_layer_norm": False}, "fp16", "post_layer_norm"),
        ({**CHATGLM, "apply_residual_connection_post_layernorm": True}, "fp16", "connection_post_layernorm"),
        ({**CHATGLM, "pre_seq_len": 128}, "fp16", "learned prefix"),
        ({**CHATGLM, "add_bias_linear": True}, "fp16", "add_bias_linear"),
        ({**CHATGLM, "multi_query_attention": False}, "fp16", "each head has its own keys"),
        ({**CHATGLM, "kv_channels": 8}, "fp16", r"a head has 8 numbers \(kv_channels\)"),
        ({**CHATGLM, "original_rope": False}, "fp16", "turns other pairs"),
        ({**CHATGLM, "rope_ratio": 50}, "fp16", "ChatGLM2 and ChatGLM3 read differently"),
        ({**GLM4, "rope_ratio": 2.5}, "fp16", "rope_ratio is 2.5, of which the library reads the whole number"),
        ({**GLM4, "vision_config": {"layers": 2}}, "fp16", "reads images"),
        ({**CHATGLM, "quantization_bit": 4}, "fp16", "quantised"),
        (without(CHATGLM, "seq_length"), "fp16", "lacks 'seq_length'"),
        (without(CHATGLM, "layernorm_epsilon"), "fp16", "lacks 'layernorm_epsilon'"),
        (CHATGLM, "bf16", "writes no bf16; convert with --weights fp16 or fp32"),
        (without(BAICHUAN, "max_position_embeddings"), "fp16", "ALiBi"),
        ({**BAICHUAN, "vocab_size": 64_001}, "fp16", "which of them this is is unknown"),
        ({**BAICHUAN, "rms_norm_eps": 1e-5}, "fp16", "rms_norm_eps is 1e-05"),
        ({**BAICHUAN, "rope_theta": 1e6}, "fp16", "rope_theta is 1000000"),
        ({**BAICHUAN, "rope_scaling": {"type": "linear", "factor": 2}}, "fp16", "positions are scaled"),
        ({**BAICHUAN, "hidden_act": "gelu"}, "fp16", "hidden_act is gelu"),
        ({**DEEPSEEK, "model_type": "deepseek_v2"}, "bf16", "DeepSeek-V2 chooses them in another way"),
        (DEEPSEEK, "fp16", "writes no fp16; convert with --weights bf16 or fp8_e4m3"),
        ({**DEEPSEEK, "topk_method": "greedy"}, "bf16", "topk_method is greedy"),
        ({**DEEPSEEK, "scoring_func": "softmax"}, "bf16", "scoring_func is softmax"),
        ({**DEEPSEEK, "q_lora_rank": None}, "bf16", "q_lora_rank is null"),
        (without(DEEPSEEK, "rope_scaling"), "bf16", "scaled by default, and the library knows yarn"),
        (scaled(type="linear"), "bf16", "scaled by linear, and the library knows yarn"),
        (scaled(mscale=None), "bf16", "rope_scaling lacks mscale"),
        ({**DEEPSEEK, "rms_norm_eps": 1e-5}, "bf16", "rms_norm_eps is 1e-05"),
        ({**DEEPSEEK, "moe_layer_freq": 2}, "bf16", "moe_layer_freq is 2"),
        ({**DEEPSEEK, "attention_bias": True}, "bf16", "attention_bias"),
        ({**DEEPSEEK, "n_shared_experts": 0}, "bf16", "no shared expert"),
        (DEEPSEEK, "fp8_e4m3", "expected that, or --weights bf16"),
        (DEEPSEEK_FP8, "bf16", "or --weights fp8_e4m3"),
        ({**CHATGLM, "padded_vocab_size": 41}, "fp16", r"has the shape \[40, 16\]; config\.json says 41 x 16"),
        ({**DEEPSEEK, "n_routed_experts": 5}, "bf16", r"lacks the tensor model\.layers\.1\.mlp\.experts\.4\."),
        ({**DEEPSEEK, "n_routed_experts": 3}, "bf16", r"the tensor model\.layers\.1\.mlp\.experts\.3\..* leaves out"),
    ],
)
def test_what_would_be_misread_is_refused_by_name(
    config: dict[str, Any], weights: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xft, "_import_tools", lambda: pytest.fail("the converter was asked"))
    whole = FAMILIES_BY_TYPE[str(config["model_type"])]
    write_model(tmp_path / "in", {**whole, **({"quantization_config": {}} if "quantization_config" in config else {})})
    (tmp_path / "in/config.json").write_text(json.dumps(config))
    with pytest.raises(ConvertError, match=words):
        xft.to_xft(weights, tmp_path / "in", tmp_path, lambda step: None)


FAMILIES_BY_TYPE = {"chatglm": CHATGLM, "baichuan": BAICHUAN, "deepseek_v2": DEEPSEEK, "deepseek_v3": DEEPSEEK}


def test_a_tokenizer_of_own_code_is_named(tmp_path: Path) -> None:
    write_model(tmp_path, CHATGLM)
    (tmp_path / "tokenizer.json").rename(tmp_path / "tokenizer.model")
    with pytest.raises(ConvertError, match=r"no tokenizer\.json.* tokenizer\.model is read by the Python of its repos"):
        xft.to_xft("fp16", tmp_path, tmp_path, lambda step: None)


def test_a_matrix_that_is_not_in_fp8_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_stand_in(monkeypatch, "deepseek_v3-fp8")
    tensors = write_model(tmp_path / "in", DEEPSEEK_FP8)
    name = "model.layers.0.self_attn.o_proj.weight"
    save_file({**tensors, name: tensors[name].to(torch.bfloat16)}, tmp_path / "in/model.safetensors", {"format": "pt"})
    (tmp_path / "out").mkdir()
    with pytest.raises(ConvertError, match=r"attention\.dense\.weight\.bin is torch\.bfloat16"):
        xft.to_xft("fp8_e4m3", tmp_path / "in", tmp_path / "out", lambda step: None)
