"""NomicBERT and T5, compared with those of Transformers, and what ModernBERT is brought to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from nomic_folder import CONFIG, write_nomic_bert
from transformers import ModernBertConfig, ModernBertModel
from xim_convert.converted_encoder import run_encoder
from xim_convert.errors import ConvertError
from xim_convert.facts import to_shape
from xim_convert.modern_bert import prepare_modern_bert, to_masks
from xim_convert.nomic_bert import NomicBertConfig, NomicBertModel, read_nomic_bert
from xim_convert.plain_export import export_plain

NAMES = {"f": "full_attention", "s": "sliding_attention"}


def make_batch() -> dict[str, torch.Tensor]:
    """Texts of 80, 30 and 50 tokens."""
    torch.manual_seed(0)
    mask = (torch.arange(80)[None] < torch.tensor([80, 30, 50])[:, None]).long()
    return {"input_ids": torch.randint(2, CONFIG["vocab_size"], (3, 80)) * mask, "attention_mask": mask}


def test_nomic_bert_has_the_hidden_states_of_transformers(tmp_path: Path) -> None:
    write_nomic_bert(tmp_path)
    model = NomicBertModel.from_pretrained(tmp_path, config=read_nomic_bert(tmp_path)).eval()
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    rope = {"rope_type": "default", "rope_theta": 500.0}
    config = transformers.NomicBertConfig(vocab_size=CONFIG["vocab_size"], rope_parameters=rope, **sizes)
    theirs = transformers.NomicBertModel.from_pretrained(tmp_path, config=config).eval()
    batch = make_batch()
    read = batch["attention_mask"].bool()
    with torch.inference_mode():
        found, expected = (each(**batch).last_hidden_state[read] for each in (model, theirs))
    assert expected.std() > 0.3
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["T5", "MT5"])
def test_of_t5_the_encoder_is_exported(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(0)
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2}
    config = getattr(transformers, f"{kind}Config")(**sizes, vocab_size=90, initializer_factor=2.0, pad_token_id=0)
    theirs = getattr(transformers, f"{kind}Model")(config).eval()
    # At first all distances have the same bias.
    torch.nn.init.normal_(theirs.encoder.block[0].layer[0].SelfAttention.relative_attention_bias.weight)
    theirs.save_pretrained(tmp_path)
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 256}))
    out = tmp_path / "out"
    out.mkdir()
    export_plain(tmp_path, out / "model.xml", "fp32")
    batch = make_batch()
    read = batch["attention_mask"].bool()
    texts = [{"input_ids": ids[mask][None]} for ids, mask in zip(batch["input_ids"], read, strict=True)]
    with torch.inference_mode():
        expected = [theirs.encoder(**text).last_hidden_state[0] for text in texts]
    for found, hidden in zip(run_encoder(out / "model.xml", texts), expected, strict=True):
        torch.testing.assert_close(torch.tensor(found), hidden, atol=1e-4, rtol=1e-3)
    written = json.loads((out / "config.json").read_text())
    assert (written["n_positions"], written["d_model"], written["num_layers"]) == (256, 16, 2)
    assert to_shape("embed", tmp_path, config) == {"contextLength": 256, "layers": 2, "dimensions": 16}


def test_nomic_bert_is_read_in_both_spellings(tmp_path: Path) -> None:
    write_nomic_bert(tmp_path)
    published = read_nomic_bert(tmp_path)
    # Of its positions it was trained on the first 2048.
    assert to_shape("embed", tmp_path, published) == {"contextLength": 2048, "layers": 2, "dimensions": 16}
    published.save_pretrained(tmp_path)
    written = json.loads((tmp_path / "config.json").read_text())
    assert not {"n_embd", "n_positions", "auto_map"} & set(written)
    assert read_nomic_bert(tmp_path).to_dict() == published.to_dict()
    longer = NomicBertConfig(**{**written, "max_position_embeddings": 4096})
    assert to_shape("embed", tmp_path, longer)["contextLength"] == 4096


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"moe_every_n_layers": 2}, "this NomicBERT has moe_every_n_layers = 2"),
        ({"activation_function": "gelu"}, 'activation_function = "gelu", and only models with "swiglu"'),
        ({"qkv_proj_bias": True}, "qkv_proj_bias = true"),
        ({"rotary_emb_fraction": None}, "rotary_emb_fraction = null"),
        ({"prenorm": True}, "prenorm = true"),
        ({"architectures": ["NomicBertForSequenceClassification"]}, "only models for embeddings are converted"),
        ({"n_inner": None}, "lacks a size"),
        ({"rotary_emb_base": None}, "lacks a size, or the base"),
    ],
)
def test_relatives_of_nomic_bert_are_refused(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    write_nomic_bert(tmp_path, **settings)
    with pytest.raises(ConvertError, match=message):
        read_nomic_bert(tmp_path)


@pytest.mark.parametrize(("layers", "every"), [("fsfs", 2), ("ffff", 1), ("fsss", 4), ("fssf", 3)])
def test_global_layers_are_named_by_their_order(tmp_path: Path, layers: str, every: int) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"layer_types": [NAMES[letter] for letter in layers]}))
    prepare_modern_bert(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["global_attn_every_n_layers"] == every


@pytest.mark.parametrize("layers", ["ffsf", "sfsf", "fsssf" + "sf"])
def test_global_layers_in_another_order_are_refused(tmp_path: Path, layers: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"layer_types": [NAMES[letter] for letter in layers]}))
    with pytest.raises(ConvertError, match="another order than every n-th"):
        prepare_modern_bert(tmp_path)


def test_local_attention_sees_what_that_of_transformers_sees() -> None:
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
    tokens = {"bos_token_id": 0, "eos_token_id": 1, "cls_token_id": 0, "sep_token_id": 1, "pad_token_id": 0}
    config = ModernBertConfig(vocab_size=90, local_attention=12, **sizes, **tokens)
    model = ModernBertModel._from_config(config, attn_implementation="eager").eval()
    batch = make_batch()
    with torch.inference_mode():
        attentions = model(**batch, output_attentions=True).attentions
    read = batch["attention_mask"].bool()
    for found, attention in zip(to_masks(model, batch["attention_mask"], False), attentions, strict=True):
        seen = found.expand(3, 1, 80, 80)[:, 0]
        assert torch.equal(seen[read], (attention[:, 0] > 0)[read])
        # Padding has something to see too.
        assert seen.any(-1).all()
