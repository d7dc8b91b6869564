"""What xFasterTransformer's converters would drop or misread without an error, and what the library cannot compute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .errors import ConvertError
from .xft_kinds import DEEPSEEK_SCALING, GLM4_VOCABULARY, Config, Kind, rope_scaling, rope_theta, sizes_of

Check = tuple[bool, str]
"""What has to hold, and the fault where it does not."""


def expect_convertible(kind: Kind, config: Config, weights: str, folder: Path) -> None:
    """Raises ConvertError that names the fault."""
    if not any(folder.glob("*.safetensors")):
        raise ConvertError(
            "the model has no .safetensors; the converters and the comparison read these. "
            "Of a pickle: npx xim-models convert pytorch_model.bin --to model.safetensors"
        )
    if not (folder / "tokenizer.json").is_file():
        raise ConvertError(_no_tokenizer(folder))
    if weights not in kind.weights:
        raise ConvertError(
            f"the converter for {kind.name} writes no {weights}; convert with --weights {' or '.join(kind.weights)}"
        )
    for holds, fault in _checks(kind, config, weights):
        if not holds:
            raise ConvertError(f"xFasterTransformer cannot have this model: {fault}")


def _no_tokenizer(folder: Path) -> str:
    fault = "the model has no tokenizer.json, which the engine needs beside the weights"
    if not (folder / "tokenizer.model").is_file():
        return fault
    return (
        f"{fault}. Its tokenizer.model is read by the Python of its repository only: "
        "put a tokenizer.json with the same tokens into a folder with the model, and convert the folder"
    )


def _checks(kind: Kind, config: Config, weights: str) -> Iterator[Check]:
    """The first that does not hold ends the conversion, so later ones may rely on earlier ones."""
    if weights != "fp8_e4m3":
        fault = "the weights are quantised; expected the floating-point model"
        if kind.name == "deepseek_v3":
            fault += ", or --weights fp8_e4m3"
        yield "quantization_config" not in config and not config.get("quantization_bit"), fault
    if kind.name.startswith("chatglm"):
        yield from _checks_of_chatglm(config)
    elif kind.name.startswith("baichuan"):
        yield from _checks_of_baichuan(config)
    elif kind.name == "deepseek_v3":
        yield from _checks_of_deepseek(config, weights)
    else:
        yield from _checks_of_llama(kind.name, config)


def _checks_of_llama(kind: str, config: Config) -> Iterator[Check]:
    heads, size, scaling = config["num_attention_heads"], sizes_of(config).head_size, rope_scaling(config)["type"]
    # The converter writes the kind from an old key, and the library ignores kinds that it does not know.
    yield scaling == "default", f"positions are scaled ({scaling}), which the converter does not pass on"
    yield (
        kind == "qwen3" or size * heads == config["hidden_size"],
        f"a head has {size} numbers, and the converter assumes {config['hidden_size'] // heads}",
    )
    yield not config.get("use_sliding_window"), "attention has a window, which the library does not know"
    yield not config.get("mlp_bias"), "the layers have biases (mlp_bias), which the converter leaves out"
    yield (
        kind == "qwen2" or not config.get("attention_bias"),
        "attention has biases (attention_bias), which the converter leaves out",
    )


def _checks_of_chatglm(config: Config) -> Iterator[Check]:
    sizes, ratio = sizes_of(config), config.get("rope_ratio", 1)
    yield not config.get("vision_config"), "it reads images, which the converter leaves out"
    yield config.get("rmsnorm", True), "its norms are not RMS norms (rmsnorm), and the library computes these"
    yield config.get("post_layer_norm", True), "it has no last norm (post_layer_norm), and the library computes one"
    yield (
        not config.get("apply_residual_connection_post_layernorm"),
        "it adds what the norm gives (apply_residual_connection_post_layernorm), and the library what it gets",
    )
    yield not config.get("pre_seq_len"), "it has a learned prefix (pre_seq_len), which the converter leaves out"
    yield (
        not config.get("add_bias_linear"),
        "the layers have biases (add_bias_linear), whose size the library takes for half of it",
    )
    yield (
        bool(config.get("multi_query_attention")),
        "each head has its own keys (multi_query_attention), and the converter writes one group",
    )
    yield (
        sizes.head_size * sizes.heads == config["hidden_size"],
        f"a head has {sizes.head_size} numbers (kv_channels), and the library takes heads of hidden_size",
    )
    yield config.get("original_rope", True), "it turns other pairs of numbers (original_rope) than the library"
    yield ratio == int(ratio), f"rope_ratio is {ratio}, of which the library reads the whole number"
    # The library multiplies the base by it, as GLM-4 and ChatGLM3 do; ChatGLM2 divides the positions.
    yield (
        ratio == 1 or sizes.vocabulary == GLM4_VOCABULARY,
        f"rope_ratio is {ratio}, which ChatGLM2 and ChatGLM3 read differently, and config.json is alike for both",
    )


def _checks_of_baichuan(config: Config) -> Iterator[Check]:
    epsilon, theta, activation = config.get("rms_norm_eps"), rope_theta(config), config.get("hidden_act")
    yield (
        bool(config.get("max_position_embeddings")),
        "its positions are ALiBi (no max_position_embeddings), for which the converter writes a length of 0 tokens",
    )
    yield epsilon == 1e-6, f"rms_norm_eps is {epsilon}, and the library takes 1e-6"
    yield theta == 10_000, f"rope_theta is {theta}, and the library takes 10000"
    yield rope_scaling(config)["type"] == "default", "positions are scaled, which the converter does not pass on"
    yield activation == "silu", f"hidden_act is {activation}, and the converter writes silu"
    yield config["hidden_size"] % config["num_attention_heads"] == 0, "hidden_size is no multiple of the heads"


def _checks_of_deepseek(config: Config, weights: str) -> Iterator[Check]:
    method, scores = config.get("topk_method", "noaux_tc"), config.get("scoring_func", "sigmoid")
    yield method == "noaux_tc", f"topk_method is {method}, and the library knows noaux_tc"
    yield scores == "sigmoid", f"scoring_func is {scores}, and the library computes sigmoid"
    yield bool(config.get("q_lora_rank")), "q_lora_rank is null, for which the converter writes the word None"
    scaling = rope_scaling(config)
    yield scaling["type"] == "yarn", f"positions are scaled by {scaling['type']}, and the library knows yarn"
    lacking = [name for name in DEEPSEEK_SCALING if scaling.get(name) is None]
    yield not lacking, f"rope_scaling lacks {', '.join(lacking)}, for which the converter writes numbers of its own"
    for name, expected in (("rms_norm_eps", 1e-6), ("hidden_act", "silu"), ("moe_layer_freq", 1)):
        found = config.get(name, expected)
        yield found == expected, f"{name} is {found}, and the library takes {expected}"
    yield not config.get("attention_bias"), "attention has biases (attention_bias), which the converter leaves out"
    yield config.get("n_shared_experts", 0) > 0, "it has no shared expert, and the library computes one"
    if weights == "fp8_e4m3":
        form = config.get("quantization_config") or {}
        blocks = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
        yield (
            {name: form.get(name) for name in blocks} == blocks,
            "fp8_e4m3 is written of a model in FP8 (e4m3, dynamic, in blocks of 128 x 128); expected that, or "
            "--weights bf16",
        )
