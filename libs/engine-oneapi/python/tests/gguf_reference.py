"""A decoder in numpy, f32, over ggml's own dequantised weights: the judge of the OpenVINO graph."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGUFReader
from gguf.quants import dequantize

Floats = npt.NDArray[np.float32]

ADJACENT = {"llama", "granite", "granitemoe", "smollm3"}
"""Architectures whose rotary embedding turns neighbouring elements."""


def logits(path: Path, tokens: list[int]) -> Floats:
    """[T, vocabulary] of one sequence, all positions."""
    return _Reference(path).logits(np.array(tokens))


def log_softmax(rows: Floats) -> npt.NDArray[np.float64]:
    """Log probabilities of rows of logits, in f64."""
    shifted = rows.astype(np.float64) - rows.max(-1, keepdims=True)
    probabilities: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return probabilities


class _Reference:
    def __init__(self, path: Path):
        reader = GGUFReader(path)
        self.fields = {key: field.contents() for key, field in reader.fields.items() if "tokenizer" not in key}
        self.architecture = self.fields["general.architecture"]
        self.tensors = {tensor.name: tensor for tensor in reader.tensors}
        self.heads, self.hidden = self.get("attention.head_count"), self.get("embedding_length")
        self.kv_heads = self.get("attention.head_count_kv", self.heads)
        self.size = self.get("attention.key_length", self.hidden // self.heads)
        self.turned = self.get("rope.dimension_count", self.size)

    def get(self, key: str, default: Any = None) -> Any:
        return self.fields.get(f"{self.architecture}.{key}", default)

    def weight(self, name: str) -> Floats | None:
        tensor = self.tensors.get(name)
        return None if tensor is None else np.asarray(dequantize(tensor.data, tensor.tensor_type), np.float32)

    def linear(self, name: str, hidden: Floats) -> Floats:
        weight, bias = self.weight(name + ".weight"), self.weight(name + ".bias")
        assert weight is not None, name
        result: Floats = hidden @ weight.T
        return result if bias is None else result + bias

    def norm(self, name: str, hidden: Floats) -> Floats:
        weight = self.weight(name + ".weight")
        if weight is None:
            return hidden
        mean = np.mean(hidden * hidden, axis=-1, keepdims=True)
        normalised: Floats = hidden / np.sqrt(mean + self.get("attention.layer_norm_rms_epsilon")) * weight
        return normalised

    def is_local(self, layer: int) -> bool:
        return self.architecture == "gemma3" and layer % 6 != 5

    def rotated(self, states: Floats, layer: int) -> Floats:
        """[T, heads, size]"""
        if self.architecture == "smollm3" and layer % 4 == 3:
            return states
        half = self.turned // 2
        base = 10000.0 if self.is_local(layer) else self.get("rope.freq_base")
        turns = np.array([base ** (-2 * n / self.turned) for n in range(half)])
        strength = 1.0
        if not self.is_local(layer):
            turns, strength = self.scaled(turns, base)
        angles = np.arange(len(states))[:, np.newaxis, np.newaxis] * turns
        cosine, sine = np.cos(angles) * strength, np.sin(angles) * strength
        result = states.astype(np.float64)
        pairs = (
            [(2 * n, 2 * n + 1) for n in range(half)]
            if self.architecture in ADJACENT
            else [(n, n + half) for n in range(half)]
        )
        first, second = np.array(pairs).T
        result[..., first] = states[..., first] * cosine - states[..., second] * sine
        result[..., second] = states[..., second] * cosine + states[..., first] * sine
        return result.astype(np.float32)

    def scaled(self, turns: npt.NDArray[np.float64], base: float) -> tuple[npt.NDArray[np.float64], float]:
        original = self.get("rope.scaling.original_context_length", self.get("context_length"))
        longer = self.get("context_length") > original
        for name in ("rope_freqs.weight", "rope_factors_long.weight" if longer else "rope_factors_short.weight"):
            factors = self.weight(name)
            if factors is not None:
                turns = turns / factors
        kind, factor = self.get("rope.scaling.type", "none"), self.get("rope.scaling.factor", 1.0)
        strength = self.get("rope.scaling.attn_factor", 1.0)
        if kind == "linear":
            return turns / factor, strength
        if kind != "yarn":
            return turns, strength

        # The paper's formulation: the number of turns over the original context decides.
        def dimension(rotations: float) -> float:
            return float(self.turned * math.log(original / (rotations * 2 * math.pi)) / (2 * math.log(base)))

        low, high = max(math.floor(dimension(32)), 0), min(math.ceil(dimension(1)), self.turned - 1)
        ramp = np.clip((np.arange(len(turns)) - low) / max(high - low, 0.001), 0, 1)
        return turns / factor * ramp + turns * (1 - ramp), strength * (0.1 * math.log(factor) + 1)

    def attention(self, layer: int, hidden: Floats) -> Floats:
        name, count = f"blk.{layer}.", len(hidden)
        if name + "attn_qkv.weight" in self.tensors:
            edges = [self.heads * self.size, (self.heads + self.kv_heads) * self.size]
            query, key, value = np.split(self.linear(name + "attn_qkv", hidden), edges, axis=-1)
        else:
            query, key, value = (self.linear(f"{name}attn_{part}", hidden) for part in "qkv")
        query, key, value = (part.reshape(count, -1, self.size) for part in (query, key, value))
        query = self.rotated(self.norm(name + "attn_q_norm", query), layer)
        key = self.rotated(self.norm(name + "attn_k_norm", key), layer)
        group = self.heads // self.kv_heads
        key, value = np.repeat(key, group, axis=1), np.repeat(value, group, axis=1)
        scale = self.get("attention.scale", 0) or self.size**-0.5
        scores = np.einsum("qhd,khd->hqk", query, key) * scale
        distance = np.arange(count)[:, np.newaxis] - np.arange(count)
        seen = distance >= 0
        window = self.get("attention.sliding_window", 0)
        if window and (self.architecture == "phi3" or self.is_local(layer)):
            seen &= distance < window
        scores = np.where(seen, scores, -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = np.einsum("hqk,khd->qhd", weights / weights.sum(-1, keepdims=True), value)
        return self.linear(name + "attn_output", mixed.reshape(count, -1).astype(np.float32))

    def mixture(self, name: str, hidden: Floats) -> Floats:
        scores = self.linear(name + "ffn_gate_inp", hidden)
        chances = np.exp(scores - scores.max(-1, keepdims=True))
        gates, ups, downs = (self.weight(f"{name}ffn_{part}_exps.weight") for part in ("gate", "up", "down"))
        assert gates is not None and ups is not None and downs is not None
        result = np.zeros_like(hidden)
        for row, own in enumerate(chances):
            chosen = np.argsort(-own)[: self.get("expert_used_count")]
            for expert in chosen:
                gate = gates[expert] @ hidden[row]
                inner = gate / (1 + np.exp(-gate)) * (ups[expert] @ hidden[row])
                result[row] += own[expert] / own[chosen].sum() * (downs[expert] @ inner)
        return result

    def feed_forward(self, name: str, hidden: Floats) -> Floats:
        if name + "ffn_gate_inp.weight" in self.tensors:
            return self.mixture(name, hidden)
        if name + "ffn_gate.weight" in self.tensors:
            gate, up = self.linear(name + "ffn_gate", hidden), self.linear(name + "ffn_up", hidden)
        else:
            gate, up = np.split(self.linear(name + "ffn_up", hidden), 2, axis=-1)
        if self.architecture.startswith("gemma"):
            gate = 0.5 * gate * (1 + np.tanh(math.sqrt(2 / math.pi) * (gate + 0.044715 * gate**3)))
        else:
            gate = gate / (1 + np.exp(-gate))
        return self.linear(name + "ffn_down", gate * up)

    def logits(self, tokens: npt.NDArray[np.int64]) -> Floats:
        table = self.weight("token_embd.weight")
        assert table is not None
        hidden = table[tokens]
        hidden *= math.sqrt(self.hidden) if self.architecture.startswith("gemma") else self.get("embedding_scale", 1.0)
        residual = self.get("residual_scale", 1.0)
        for layer in range(self.get("block_count")):
            name = f"blk.{layer}."
            block = self.attention(layer, self.norm(name + "attn_norm", hidden))
            hidden = hidden + self.norm(name + "post_attention_norm", block) * residual
            block = self.feed_forward(name, self.norm(name + "ffn_norm", hidden))
            hidden = hidden + self.norm(name + "post_ffw_norm", block) * residual
        hidden = self.norm("output_norm", hidden)
        rows: Floats = self.linear("output", hidden) if "output.weight" in self.tensors else hidden @ table.T
        rows = rows / self.get("logit_scale", 1.0)
        softcap = self.get("final_logit_softcapping", 0.0)
        return softcap * np.tanh(rows / softcap) if softcap else rows
