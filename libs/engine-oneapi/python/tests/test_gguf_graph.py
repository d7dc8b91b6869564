"""The graph of a GGUF file against a decoder in numpy: every architecture, every quantisation kind, in chunks."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import gguf_reference
import numpy as np
import numpy.typing as npt
import openvino
import pytest
from gguf import GGMLQuantizationType as Kind
from gguf_files import CONTEXT, HEAD, VOCABULARY, write_model
from xim_engine_oneapi.gguf import build_model, read_tokenizer
from xim_engine_oneapi.int8_products import INT8_GROUP
from xim_worker import StartError

BLOCK, BLOCKS = 32, 16
TOKENS = [int(token) for token in np.random.default_rng(3).integers(0, VOCABULARY, 70)]

WORDS = Path(__file__).parents[4] / "ARCHITECTURE.md"
REAL = [*(Path(__file__).parents[4] / ".model_cache").glob("models--HuggingFaceTB--SmolLM2*/snapshots/*/*Q4_1.gguf")]

EXACT = [Kind.F32, Kind.F16, Kind.BF16, Kind.Q4_0, Kind.Q5_0, Kind.Q8_0, Kind.IQ4_NL, Kind.MXFP4]
ROUNDED_SCALES = [Kind.Q4_1, Kind.Q5_1, Kind.Q2_K, Kind.Q3_K, Kind.Q4_K, Kind.Q5_K, Kind.Q6_K, Kind.IQ4_XS]
ROUNDED = [Kind.IQ1_S, Kind.IQ1_M, Kind.IQ2_XXS, Kind.IQ2_XS, Kind.IQ2_S, Kind.IQ3_XXS, Kind.IQ3_S]
ROUNDED += [Kind.TQ1_0, Kind.TQ2_0]


def run(
    path: Path, sequences: list[list[int]], chunks: list[int], int8_group: int | None = None
) -> list[npt.NDArray[np.float32]]:
    """Logits `[T, vocabulary]` per sequence: all sequences side by side, cut at these places, blocks taken in turn."""
    # f32 throughout: the plugin's own rounding would hide a wrong graph.
    options = {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0}
    compiled = openvino.Core().compile_model(build_model(path, int8_group=int8_group), "CPU", options)
    request = compiled.create_infer_request()
    for port in compiled.inputs:
        if "_cache." in port.any_name:
            shape = [BLOCKS, *(size.get_length() for size in list(port.partial_shape)[1:])]
            request.set_tensor(port, openvino.Tensor(port.element_type, openvino.Shape(shape)))
    results: list[list[npt.NDArray[np.float32]]] = [[] for _ in sequences]
    for start, end in zip([0, *chunks], [*chunks, max(map(len, sequences))], strict=True):
        parts = [tokens[start:end] for tokens in sequences]
        begins = np.cumsum([0, *map(len, parts)])
        blocks = [
            [number * len(sequences) + place for number in range(-(-end // BLOCK))] for place in range(len(parts))
        ]
        batch = {
            "input_ids": np.array([*chain(*parts)], np.int64),
            "position_ids": np.concatenate([np.arange(start, start + len(part)) for part in parts]),
            "past_lens": np.full(len(parts), start, np.int32),
            "subsequence_begins": begins.astype(np.int32),
            "block_indices": np.array([*chain(*blocks)], np.int32),
            "block_indices_begins": np.cumsum([0, *map(len, blocks)]).astype(np.int32),
            "max_context_len": np.array(end, np.int32),
            "rows": np.arange(begins[-1], dtype=np.int64),
        }
        for name, value in batch.items():
            request.set_tensor(name, openvino.Tensor(value))
        request.infer()
        rows = request.get_tensor("logits").data.copy()
        for place, result in enumerate(results):
            result.append(rows[begins[place] : begins[place + 1]])
    return [np.concatenate(result) for result in results]


def difference(path: Path, tokens: list[int], rows: npt.NDArray[np.float32]) -> float:
    """Mean of |Δ log probability| over all tokens of the vocabulary at all positions."""
    expected = gguf_reference.log_softmax(gguf_reference.logits(path, tokens))
    assert expected.std() > 0.2, "a flat distribution compares nothing"
    return float(np.abs(expected - gguf_reference.log_softmax(rows)).mean())


@pytest.mark.parametrize("kind", EXACT, ids=lambda kind: str(kind.name))
def test_exact_kinds(tmp_path: Path, kind: Kind) -> None:
    path = write_model(tmp_path / "model.gguf", kind=kind)
    assert difference(path, TOKENS, run(path, [TOKENS], [])[0]) < 1e-5


@pytest.mark.parametrize("kind", ROUNDED_SCALES, ids=lambda kind: str(kind.name))
def test_kinds_whose_scales_are_rounded_to_f16(tmp_path: Path, kind: Kind) -> None:
    path = write_model(tmp_path / "model.gguf", kind=kind)
    assert difference(path, TOKENS, run(path, [TOKENS], [])[0]) < 4e-3


@pytest.mark.parametrize("kind", ROUNDED, ids=lambda kind: str(kind.name))
def test_other_kinds_are_close(tmp_path: Path, kind: Kind) -> None:
    path = write_model(tmp_path / "model.gguf", kind=kind)
    assert difference(path, TOKENS, run(path, [TOKENS], [])[0]) < 2e-2


GRANITE = {"embedding_scale": 6.0, "residual_scale": 0.3, "attention.scale": 0.02, "logit_scale": 2.0}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": {"tied": False},
    "llama with biases": {"biases": True},
    "llama 3 rope": {"extra": {"rope_freqs.weight": np.linspace(1, 8, HEAD // 2).astype(np.float32)}},
    "llama linear rope": {"fields": {"rope.scaling.type": "linear", "rope.scaling.factor": 4.0}},
    "qwen2": {"biases": True},
    "qwen2 yarn": {
        "biases": True,
        "fields": {
            "rope.scaling.type": "yarn",
            "rope.scaling.factor": 4.0,
            "rope.scaling.original_context_length": CONTEXT // 4,
        },
    },
    "qwen3": {"head_norms": True},
    "qwen3moe": {"head_norms": True, "experts": 8},
    "llama of experts": {"experts": 4, "tied": False},
    "gemma3": {
        "layers": 7,
        "after_norms": True,
        "head_norms": True,
        "fields": {"attention.sliding_window": 24, "rope.freq_base": 1e6, "final_logit_softcapping": 3.0},
    },
    "phi3": {"fused": True, "fields": {"attention.sliding_window": 40}},
    "phi3 longrope": {
        "fused": True,
        "extra": {
            "rope_factors_long.weight": np.linspace(1, 6, HEAD * 3 // 8).astype(np.float32),
            "rope_factors_short.weight": np.linspace(1, 2, HEAD * 3 // 8).astype(np.float32),
        },
        "fields": {
            "rope.dimension_count": HEAD * 3 // 4,
            "rope.scaling.original_context_length": CONTEXT // 4,
            "rope.scaling.attn_factor": 1.19,
        },
    },
    "granite": {"fields": GRANITE},
    "granitemoe": {"fields": GRANITE, "experts": 8},
    "smollm3": {"tied": False, "layers": 5},
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architectures(tmp_path: Path, name: str) -> None:
    path = write_model(tmp_path / "model.gguf", name.split()[0], **ARCHITECTURES[name])
    assert difference(path, TOKENS, run(path, [TOKENS], [])[0]) < 1e-5


@pytest.mark.parametrize(
    ("kind", "int8_group", "most"),
    [
        *((kind, None, 1e-5) for kind in (Kind.F32, Kind.Q4_0, Kind.Q8_0, Kind.IQ4_NL)),
        *((kind, None, 4e-3) for kind in (Kind.Q4_1, Kind.Q2_K, Kind.Q4_K, Kind.Q6_K)),
        (Kind.IQ2_S, None, 2e-2),
        (Kind.Q4_K, INT8_GROUP, 5e-2),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_only_the_chosen_experts_are_computed_and_their_weights_stay_packed(
    tmp_path: Path, kind: Kind, int8_group: int | None, most: float
) -> None:
    path = write_model(tmp_path / "model.gguf", "qwen3moe", kind, head_norms=True, experts=8, layers=1)
    assert difference(path, TOKENS, run(path, [TOKENS], [], int8_group)[0]) < most
    compiled = openvino.Core().compile_model(build_model(path, int8_group=int8_group), "CPU")
    nodes = compiled.get_runtime_model().get_ops()
    products = [node for node in nodes if node.get_rt_info()["layerType"].astype(str) == "GatherMatmul"]
    bits = [product.input_value(1).get_element_type().bitwidth for product in products]
    assert [count <= (32 if kind == Kind.F32 else 8) for count in bits] == [True] * 3, bits


@pytest.mark.parametrize("kind", [Kind.F16, Kind.BF16], ids=lambda kind: str(kind.name))
def test_experts_that_would_be_unpacked_are_refused(tmp_path: Path, kind: Kind) -> None:
    path = write_model(tmp_path / "model.gguf", "qwen3moe", kind, head_norms=True, experts=2, layers=1)
    with pytest.raises(StartError, match=f"{kind.name} .* twice the memory"):
        build_model(path)


def test_parts_of_a_split_file(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.gguf", tied=False)
    first = write_model(tmp_path / "split.gguf", tied=False, part_tensors=5)
    assert len(list(tmp_path.glob("split-*.gguf"))) > 2
    np.testing.assert_array_equal(run(first, [TOKENS], [])[0], run(path, [TOKENS], [])[0])


@pytest.mark.parametrize("name", ["llama", "gemma3"])
def test_sequences_side_by_side_in_chunks(tmp_path: Path, name: str) -> None:
    path = write_model(tmp_path / "model.gguf", name, **ARCHITECTURES[name])
    other = TOKENS[::-1]
    for tokens, rows in zip([TOKENS, other], run(path, [TOKENS, other], [1, 20, 40, 41, 69]), strict=True):
        assert difference(path, tokens, rows) < 1e-5


@pytest.mark.skipif(not REAL, reason="the default model is not in the model cache")
@pytest.mark.parametrize(("int8_group", "most"), [(None, 0.002), (INT8_GROUP, 0.01)])
def test_perplexity_of_the_default_model(int8_group: int | None, most: float) -> None:
    tokens = read_tokenizer(REAL[0]).backend.encode(WORDS.read_text("utf-8")).ids[:300]

    def perplexity(rows: npt.NDArray[np.float32]) -> float:
        chosen = gguf_reference.log_softmax(rows)[np.arange(len(tokens) - 1), tokens[1:]]
        return float(np.exp(-chosen.mean()))

    expected = perplexity(gguf_reference.logits(REAL[0], tokens))
    assert perplexity(run(REAL[0], [tokens], [], int8_group)[0]) == pytest.approx(expected, rel=most)
