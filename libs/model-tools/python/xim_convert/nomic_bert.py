"""NomicBERT, which this Transformers lacks, computed here: nothing of a model's repository runs.

BERT with layers that normalise after each sum, rotary positions, a gated SiLU in place of GELU, and no biases
(https://arxiv.org/abs/2402.01613). Tensors have the names of the published files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from .errors import ConvertError

KIND = "nomic_bert"
"""`model_type` in config.json."""

_WIDTH = "n_embd"
# A size in config.json, as Transformers names it and as the models were published.
_SIZES = {
    "hidden_size": _WIDTH,
    "num_hidden_layers": "n_layer",
    "num_attention_heads": "n_head",
    "intermediate_size": "n_inner",
    "layer_norm_eps": "layer_norm_epsilon",
}
# What the computation below is written for. The published class has other defaults for the first five.
_WITHOUT_DEFAULT = {
    "activation_function": "swiglu",
    "rotary_emb_fraction": 1,
    "qkv_proj_bias": False,
    "mlp_fc1_bias": False,
    "mlp_fc2_bias": False,
}
_EXPECTED = {
    **_WITHOUT_DEFAULT,
    **dict.fromkeys(("prenorm", "parallel_block", "use_rms_norm", "causal", "rotary_emb_interleaved"), False),
    "rotary_emb_scale_base": None,
    "moe_every_n_layers": 0,
    "hidden_act": "silu",
}


class NomicBertConfig(PretrainedConfig):  # type: ignore[misc]
    """Keyword arguments are the members of `config.json`, in either spelling; saved in that of Transformers."""

    model_type = KIND

    def __init__(self, **values: Any) -> None:
        # Beyond the positions of its training the published class scales them in a way that its versions differ in.
        trained = values.pop("max_trained_positions", 2048 if _WIDTH in values else None)
        limits = [trained, *(values.pop(name, None) for name in ("max_position_embeddings", "n_positions"))]
        self.max_position_embeddings: int = min((limit for limit in limits if limit and limit > 0), default=2048)
        self.vocab_size: int = values.pop("vocab_size", 30_528)
        self.type_vocab_size: int = values.pop("type_vocab_size", 2)
        for name, published in _SIZES.items():
            own = values.pop(published, None)
            setattr(self, name, values.pop(name, own))
        rope = values.pop("rope_parameters", None) or {"rope_theta": values.pop("rotary_emb_base", None)}
        self.rope_parameters: dict[str, Any] = {"rope_type": "default", **rope}
        kept = ("architectures", "dtype", "pad_token_id", "transformers_version")
        super().__init__(**{name: values[name] for name in kept if name in values})


def read_nomic_bert(folder: Path) -> NomicBertConfig:
    """Raises ConvertError for models of the family with another computation, such as a mixture of experts."""
    values = json.loads((folder / "config.json").read_text("utf8"))
    published = _WIDTH in values
    for name, expected in _EXPECTED.items():
        found = values.get(name, None if published and name in _WITHOUT_DEFAULT else expected)
        if found != expected and not (found is None and not expected):
            raise ConvertError(
                f"this NomicBERT has {name} = {json.dumps(found)}, and only models with {json.dumps(expected)} are "
                "converted, such as nomic-embed-text-v1.5; name an ONNX file of the model instead"
            )
    if any(str(name).endswith("ForSequenceClassification") for name in values.get("architectures") or []):
        raise ConvertError(
            "of NomicBERT only models for embeddings are converted, not cross-encoders; use a reranker of ModernBERT, "
            "such as Alibaba-NLP/gte-reranker-modernbert-base"
        )
    config = NomicBertConfig(**values)
    rope = config.rope_parameters
    sizes = [*(getattr(config, name) for name in _SIZES), rope.get("rope_theta")]
    if None in sizes or rope["rope_type"] != "default":
        raise ConvertError("config.json of this NomicBERT lacks a size, or the base of its rotary positions")
    return config


class NomicBertModel(PreTrainedModel):  # type: ignore[misc]
    config_class = NomicBertConfig
    base_model_prefix = "bert"
    main_input_name = "input_ids"

    def __init__(self, config: NomicBertConfig) -> None:
        super().__init__(config)
        width: int = config.hidden_size
        self.embeddings = nn.ModuleDict({"word_embeddings": nn.Embedding(config.vocab_size, width)})
        if config.type_vocab_size:
            self.embeddings["token_type_embeddings"] = nn.Embedding(config.type_vocab_size, width)
        self.emb_ln = nn.LayerNorm(width, config.layer_norm_eps)
        layers = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))
        self.encoder = nn.ModuleDict({"layers": layers})
        self.post_init()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> BaseModelOutput:
        """`[batch, tokens]` each; all texts are one segment."""
        hidden = self.embeddings["word_embeddings"](input_ids)
        if self.config.type_vocab_size:
            hidden = hidden + self.embeddings["token_type_embeddings"].weight[0]
        hidden = self.emb_ln(hidden)
        seen = attention_mask[:, None, None, :].bool()
        turns = self._turns(input_ids)
        for layer in self.encoder["layers"]:
            hidden = layer(hidden, seen, turns)
        return BaseModelOutput(last_hidden_state=hidden)

    def _turns(self, input_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and sines of the angles, `[tokens, head]`: as in GPT-NeoX, the halves of a head turn together."""
        head = self.config.hidden_size // self.config.num_attention_heads
        speeds = self.config.rope_parameters["rope_theta"] ** (-torch.arange(0, head, 2).float() / head)
        positions = torch.arange(input_ids.shape[1])[None, None, :].float()
        # As a product of matrices: in this form OpenVINO computes angles in f32 where it computes the rest in bf16.
        angles = (speeds[None, :, None] @ positions).transpose(1, 2)
        angles = torch.cat((angles, angles), dim=-1)[:, None]
        return angles.cos(), angles.sin()


class _Layer(nn.Module):  # type: ignore[misc]
    def __init__(self, config: NomicBertConfig) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.heads: int = config.num_attention_heads
        self.attn = nn.ModuleDict(
            {"Wqkv": nn.Linear(width, 3 * width, bias=False), "out_proj": nn.Linear(width, width, bias=False)}
        )
        self.mlp = nn.ModuleDict(
            {
                "fc11": nn.Linear(width, inner, bias=False),
                "fc12": nn.Linear(width, inner, bias=False),
                "fc2": nn.Linear(inner, width, bias=False),
            }
        )
        self.norm1 = nn.LayerNorm(width, config.layer_norm_eps)
        self.norm2 = nn.LayerNorm(width, config.layer_norm_eps)

    def forward(
        self, hidden: torch.Tensor, seen: torch.Tensor, turns: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        hidden = self.norm1(hidden + self._attend(hidden, seen, turns))
        # The second of the two products is the gate.
        inner = self.mlp["fc11"](hidden) * functional.silu(self.mlp["fc12"](hidden))
        return self.norm2(hidden + self.mlp["fc2"](inner))

    def _attend(
        self, hidden: torch.Tensor, seen: torch.Tensor, turns: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        products = self.attn["Wqkv"](hidden).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = products[0], products[1], products[2]
        mixed = functional.scaled_dot_product_attention(_turn(query, *turns), _turn(key, *turns), value, seen)
        return self.attn["out_proj"](mixed.transpose(1, 2).flatten(2))


def _turn(heads: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    # OpenVINO makes one operation of it in this form.
    half = heads.shape[-1] // 2
    return heads * cosines + torch.cat((-heads[..., half:], heads[..., :half]), dim=-1) * sines
