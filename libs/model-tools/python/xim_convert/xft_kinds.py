"""The kinds of models that xFasterTransformer's converters are used for, and what config.ini has to say of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import ConvertError

Config = dict[str, Any]

GLM4_VOCABULARY = 151_552
_BAICHUAN_VOCABULARY = {64_000: "baichuan", 125_696: "baichuan2"}


@dataclass(frozen=True)
class Kind:
    name: str
    converter: str
    """Class of `xfastertransformer.tools`."""
    weights: tuple[str, ...]
    """dtypes of the files that it writes."""
    loads_model: bool
    """Whether it has Transformers load the model, with Python of the model's repository."""
    values: Callable[[Config], Config]
    """What config.ini has to say, by the names there."""


@dataclass(frozen=True)
class Sizes:
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    context_length: int


def kind_of(config: Config) -> Kind:
    """Raises ConvertError for a model that no converter is used for."""
    kind = str(config.get("model_type"))
    if kind == "chatglm":
        kind = _chatglm(config)
    if kind == "baichuan":
        kind = _baichuan(config)
    if kind == "deepseek_v2":
        raise ConvertError(
            "xFasterTransformer chooses experts as DeepSeek-V3 does (noaux_tc of sigmoid), and DeepSeek-V2 chooses "
            "them in another way"
        )
    found = next((one for one in KINDS if one.name == kind), None)
    if found is None:
        expected = "llama, qwen2, qwen3, chatglm (ChatGLM2, ChatGLM3, GLM-4), baichuan, deepseek_v3"
        raise ConvertError(f"xFasterTransformer's converters for {kind} are not used; expected one of {expected}")
    return found


def _chatglm(config: Config) -> str:
    if "padded_vocab_size" not in config:
        raise ConvertError(
            "this is the first ChatGLM, whose positions have two dimensions; in the calls that the engine uses "
            "xFasterTransformer ends the process for these"
        )
    return "chatglm4" if config["padded_vocab_size"] == GLM4_VOCABULARY else "chatglm2"


def _baichuan(config: Config) -> str:
    """Baichuan2 computes with a normalised head, which config.json does not say."""
    size = config.get("vocab_size")
    if size not in _BAICHUAN_VOCABULARY:
        raise ConvertError(
            f"the vocabulary has {size} tokens; Baichuan has 64000, and Baichuan2 125696 and a normalised head, so "
            "which of them this is is unknown"
        )
    return _BAICHUAN_VOCABULARY[size]


def sizes_of(config: Config) -> Sizes:
    try:
        return _chatglm_sizes(config) if config["model_type"] == "chatglm" else _common_sizes(config)
    except KeyError as error:
        raise ConvertError(f"config.json lacks {error}") from None


def _common_sizes(config: Config) -> Sizes:
    heads = config["num_attention_heads"]
    size = config.get("v_head_dim") or config.get("head_dim") or config["hidden_size"] // heads
    return Sizes(
        layers=config["num_hidden_layers"],
        heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        head_size=size,
        vocabulary=config["vocab_size"],
        context_length=config["max_position_embeddings"],
    )


def _chatglm_sizes(config: Config) -> Sizes:
    return Sizes(
        layers=config["num_layers"],
        heads=config["num_attention_heads"],
        kv_heads=config["multi_query_group_num"],
        head_size=config["kv_channels"],
        vocabulary=config["padded_vocab_size"],
        context_length=config["seq_length"],
    )


def rope_theta(config: Config) -> float:
    """10,000 where a model does not say, as in Transformers."""
    return float(config.get("rope_theta") or (config.get("rope_parameters") or {}).get("rope_theta", 10_000))


def rope_scaling(config: Config) -> Config:
    """With its kind as `type`, which Transformers 5 writes elsewhere and under another name."""
    found = config.get("rope_scaling") or config.get("rope_parameters") or {}
    return {**found, "type": found.get("rope_type") or found.get("type") or "default"}


def _values_of_llama(config: Config) -> Config:
    return {"kv_head_num": sizes_of(config).kv_heads, "rope_theta": rope_theta(config)}


def _values_of_chatglm(config: Config) -> Config:
    return {
        "kv_head_num": config["multi_query_group_num"],
        "size_per_head": config["kv_channels"],
        "inter_size": config["ffn_hidden_size"],
        "max_pos_seq_len": config["seq_length"],
        "layernorm_eps": config["layernorm_epsilon"],
        "rope_ratio": config.get("rope_ratio", 1),
    }


def _values_of_baichuan(config: Config) -> Config:
    # The library reads kv_head_num, layernorm_eps and rope_theta, which the converter does not write: it takes all
    # heads, 1e-6 and 10,000, and models with other values are refused.
    return {
        "size_per_head": config["hidden_size"] // config["num_attention_heads"],
        "inter_size": config["intermediate_size"],
        "max_pos_seq_len": config["max_position_embeddings"],
    }


_DEEPSEEK_NAMES = {
    "size_per_head": "v_head_dim",
    "inter_size": "intermediate_size",
    "max_pos_seq_len": "max_position_embeddings",
    "layernorm_eps": "rms_norm_eps",
    "dense_experts": "n_shared_experts",
    "sparse_experts": "n_routed_experts",
}
"""Names in config.json by those in config.ini, where they differ."""

_DEEPSEEK_SAME = (
    *("hidden_size", "q_lora_rank", "kv_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim"),
    *("moe_intermediate_size", "first_k_dense_replace", "routed_scaling_factor", "n_group", "topk_group"),
    *("num_experts_per_tok", "norm_topk_prob"),
)

DEEPSEEK_SCALING = ("factor", "original_max_position_embeddings", "beta_fast", "beta_slow", "mscale", "mscale_all_dim")


def _values_of_deepseek(config: Config) -> Config:
    scaling = rope_scaling(config)
    return {
        "kv_head_num": sizes_of(config).kv_heads,
        "rope_theta": rope_theta(config),
        **{name: config[source] for name, source in _DEEPSEEK_NAMES.items()},
        **{name: config[name] for name in _DEEPSEEK_SAME},
        **{f"rope_scaling_{name}": scaling[name] for name in ("type", *DEEPSEEK_SCALING)},
        "topk_method": "noaux_tc",
        "scoring_func": "sigmoid",
    }


_FLOATS, _DEEPSEEK_WEIGHTS = ("fp16", "fp32"), ("bf16", "fp8_e4m3")

KINDS = (
    Kind("llama", "LlamaConvert", _FLOATS, False, _values_of_llama),
    Kind("qwen2", "Qwen2Convert", _FLOATS, False, _values_of_llama),
    Kind("qwen3", "Qwen3Convert", _FLOATS, False, _values_of_llama),
    # ChatGLM2 and ChatGLM3 are one network, and the library computes all three in the same way.
    Kind("chatglm2", "ChatGLM2Convert", _FLOATS, True, _values_of_chatglm),
    Kind("chatglm4", "ChatGLM4Convert", _FLOATS, True, _values_of_chatglm),
    Kind("baichuan", "BaichuanConvert", _FLOATS, True, _values_of_baichuan),
    Kind("baichuan2", "Baichuan2Convert", _FLOATS, True, _values_of_baichuan),
    Kind("deepseek_v3", "DeepSeekV3Convert", _DEEPSEEK_WEIGHTS, True, _values_of_deepseek),
)


def ini_values(kind: Kind, config: Config, weights: str) -> Config:
    """Raises ConvertError where config.json lacks one of them."""
    sizes = sizes_of(config)
    try:
        more = kind.values(config)
    except KeyError as error:
        raise ConvertError(f"config.json lacks {error}") from None
    common = {"num_layer": sizes.layers, "head_num": sizes.heads, "vocab_size": sizes.vocabulary}
    return {**common, "weight_data_type": weights, **more}
