"""The OpenVINO graph of a decoder for continuous batching with paged attention, from a GGUF file."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino
from openvino import Node, Output, Type
from openvino import opset13 as op
from openvino.op import _PagedAttentionExtension

from .constants import Order
from .feed_forward import feed_forward
from .header import GgufHeader, read_header
from .layers import Layers
from .nodes import empty, integer, integer32, integers, scaled, slice_last, split_last
from .rope import angles, halves

Progress = Callable[[float], None]


def build_model(
    source: Path | GgufHeader, progress: Progress | None = None, int8_group: int | None = None
) -> openvino.Model:
    """The graph of a GGUF file, or of a header that has been read.

    The T tokens of all sequences stand in a row, as in `xim_generation.runner.Batch`.

    Inputs: `input_ids`, `position_ids` [T] i64; `past_lens`, `subsequence_begins`, `block_indices`,
    `block_indices_begins` i32; `max_context_len` i32 scalar; `key_cache.N`, `value_cache.N`, whose shape and type the
    plugin decides; `rows` [R] i64. Output: `logits` [R, vocabulary] f32 of the rows. `progress` gets shares up to 1.
    `int8_group`: quantised weights become i8 in groups of this many; None: they stay as in the file.
    """
    header = source if isinstance(source, GgufHeader) else read_header(source)
    return _Builder(header, progress or (lambda share: None), int8_group).build()


class _Builder:
    def __init__(self, header: GgufHeader, progress: Progress, int8_group: int | None):
        self.header, self.shape, self.family, self.progress = header, header.shape, header.family, progress
        epsilon = float(header.field("{arch}.attention.layer_norm_rms_epsilon", 1e-5))
        self.layers = Layers(header.tensors, epsilon, int8_group)
        self.residual = float(header.field("{arch}.residual_scale", 1.0)) or 1.0
        self.window = int(header.field("{arch}.attention.sliding_window", 0) or 0)
        self.parameters: list[Node] = []
        self.ids = self._input("input_ids", [-1], Type.i64)
        self.positions = self._input("position_ids", [-1], Type.i64)
        self.batch = [
            self._input(name, [-1], Type.i32)
            for name in ("past_lens", "subsequence_begins", "block_indices", "block_indices_begins")
        ]
        self.longest = self._input("max_context_len", [], Type.i32)
        self.rows = self._input("rows", [-1], Type.i64)
        self.angles = {
            local: angles(header, self.positions, local=local)
            for local in {self._is_local(n) for n in range(self.shape.layers)}
        }

    def build(self) -> openvino.Model:
        table = self.layers.matrix([self.header.tensors["token_embd.weight"]])
        hidden = op.unsqueeze(op.gather(table, self.ids, integer(0)), integer(1))
        hidden = scaled(hidden, self._embedding_scale())
        for layer in range(self.shape.layers):
            hidden = self._layer(layer, hidden)
            self.progress((layer + 1) / (self.shape.layers + 1))
        hidden = self.layers.norm("output_norm", op.gather(hidden, self.rows, integer(0)))
        head = self.header.tensors.get("output.weight")
        logits = op.matmul(
            op.squeeze(hidden, integer(1)), table if head is None else self.layers.matrix([head]), False, True
        )
        logits = scaled(logits, 1 / (float(self.header.field("{arch}.logit_scale", 1.0)) or 1.0))
        softcap = float(self.header.field("{arch}.final_logit_softcapping", 0.0))
        if softcap:
            logits = scaled(op.tanh(scaled(logits, 1 / softcap)), softcap)
        logits.output(0).set_names({"logits"})
        self.progress(1.0)
        return openvino.Model([op.result(logits)], self.parameters, self.header.architecture)

    def _layer(self, layer: int, hidden: Node) -> Node:
        name = f"blk.{layer}."
        block = self._attention(layer, self.layers.norm(name + "attn_norm", hidden))
        hidden = op.add(hidden, scaled(self.layers.norm_if_there(name + "post_attention_norm", block), self.residual))
        block = self.layers.norm(name + "ffn_norm", hidden)
        block = feed_forward(self.layers, name, block, self.family, self.shape.experts)
        return op.add(hidden, scaled(self.layers.norm_if_there(name + "post_ffw_norm", block), self.residual))

    def _attention(self, layer: int, hidden: Node) -> Node:
        shape, name = self.shape, f"blk.{layer}."
        query_size, key_size = shape.heads * shape.head_size, shape.kv_heads * shape.head_size
        both, value = self._projections(name, hidden, query_size, key_size)
        if self.layers.has(name + "attn_q_norm"):
            states = split_last(both, query_size, key_size)
            query = self._rotated(layer, self._heads(states[0], shape.heads, name + "attn_q_norm"), shape.heads)
            key = self._rotated(layer, self._heads(states[1], shape.kv_heads, name + "attn_k_norm"), shape.kv_heads)
        else:
            heads = shape.heads + shape.kv_heads
            query, key = split_last(self._rotated(layer, self._heads(both, heads), heads), query_size, key_size)
        value = op.reshape(value, integers(0, key_size), True).output(0)
        return self.layers.linear(name + "attn_output", op.unsqueeze(self._paged(layer, query, key, value), integer(1)))

    def _projections(self, name: str, hidden: Node, query_size: int, key_size: int) -> list[Output]:
        """Queries with keys, and values: `[T, 1, size]`.

        One product for all of them: a decode step has few rows, and there the number of products costs most.
        """
        sizes = (query_size + key_size, key_size)
        orders: list[Order | None] = [None] * 3
        if self.family.adjacent:
            orders[:2] = [halves(count, self.shape) for count in (self.shape.heads, self.shape.kv_heads)]
        if self.layers.has(name + "attn_qkv"):
            starts = (0, query_size, query_size + key_size)
            rows = [
                start + (np.arange(size, dtype=np.int64) if order is None else order)
                for start, size, order in zip(starts, (query_size, key_size, key_size), orders, strict=True)
            ]
            return split_last(self.layers.linear(name + "attn_qkv", hidden, np.concatenate(rows)), *sizes)
        names = [name + part for part in ("attn_q", "attn_k", "attn_v")]
        kinds = [self.header.tensors[each + ".weight"].kind for each in names]
        if kinds[0] == kinds[1] == kinds[2]:
            return split_last(self.layers.joined(names, orders, hidden), *sizes)
        if kinds[0] == kinds[1]:
            both = self.layers.joined(names[:2], orders, hidden)
        else:
            both = op.concat(
                [self.layers.linear(each, hidden, order) for each, order in zip(names[:2], orders, strict=False)], -1
            )
        return [both.output(0), self.layers.linear(names[2], hidden).output(0)]

    def _heads(self, states: Output, heads: int, norm: str | None = None) -> Node:
        """[T, 1, heads * size] → [T, 1, heads, size], normalised."""
        states = op.reshape(states, integers(0, 0, heads, self.shape.head_size), True)
        return states if norm is None else self.layers.norm(norm, states)

    def _rotated(self, layer: int, states: Node, heads: int) -> Node:
        """[T, 1, heads, size] → [T, heads * size], turned by position; the plugin fuses it."""
        size, turned = self.shape.head_size, self.shape.rotated
        states = op.transpose(states, integers(0, 2, 1, 3))
        every = self.family.unrotated_layers
        if not every or (layer + 1) % every:
            cosine, sine = self.angles[self._is_local(layer)]
            front = states if turned == size else slice_last(states, 0, turned)
            half = op.concat(
                [scaled(slice_last(front, turned // 2, turned), -1.0), slice_last(front, 0, turned // 2)], -1
            )
            front = op.add(op.multiply(front, cosine), op.multiply(half, sine))
            states = front if turned == size else op.concat([front, slice_last(states, turned, size)], -1)
        return op.reshape(op.transpose(states, integers(0, 2, 1, 3)), integers(0, heads * size), True)

    def _paged(self, layer: int, query: Output, key: Output, value: Output) -> Output:
        caches = [self._input(f"{kind}_cache.{layer}", [-1] * 4, Type.dynamic) for kind in ("key", "value")]
        window = self.window if self._is_local(layer) or not self.family.local_layers else 0
        none, floats = empty(np.int32), empty(np.float32)
        node = _PagedAttentionExtension(
            [
                each if isinstance(each, Output) else each.output(0)
                for each in (
                    *(query, key, value, *caches, *self.batch),
                    op.constant(np.array(self._attention_scale(), np.float32)),
                    op.constant(np.array(window, np.int32)),
                    floats,  # alibi slopes
                    self.longest,
                    none,  # score aggregation window
                    *(none, none, floats),  # rotation of cached keys: blocks, deltas, table
                    *(floats, integer32(0), integer32(0)),  # sparse attention: threshold, block size, stride
                    op.constant(np.zeros((0, 0, 0, 0), np.float32)),  # sinks
                    *(integer32(0), none, none, none),  # eviction by diversity: start, sizes, blocks, their begins
                    *(none, empty(np.uint8), none),  # types of tokens and further parts that text does not need
                )
            ]
        )
        info = node.get_rt_info()
        for side in "kv":
            info[f"num_{side}_heads"], info[f"{side}_head_size"] = self.shape.kv_heads, self.shape.head_size
        return node.output(0)

    def _is_local(self, layer: int) -> bool:
        every = self.family.local_layers
        return every > 0 and (layer + 1) % every != 0

    def _attention_scale(self) -> float:
        given = float(self.header.field("{arch}.attention.scale", 0.0))
        shared = self.shape.layers == self.family.shared_scale_layers
        return given or 1 / math.sqrt(self.shape.hidden / self.shape.heads if shared else self.shape.head_size)

    def _embedding_scale(self) -> float:
        if self.family.scaled_embedding:
            return math.sqrt(self.shape.hidden)
        return float(self.header.field("{arch}.embedding_scale", 1.0)) or 1.0

    def _input(self, name: str, shape: list[int], kind: Type) -> Node:
        node = op.parameter(shape, kind, name=name)
        node.output(0).set_names({name})
        self.parameters.append(node)
        return node
