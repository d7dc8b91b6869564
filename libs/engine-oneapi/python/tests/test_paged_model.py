"""OpenVINO IR as exporters write it, with keys and values as state, gives the same logits on paged attention."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import Node, Type
from openvino import opset13 as op
from openvino.op.util import Variable, VariableInfo
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers
from xim_engine_oneapi.generate import Generate
from xim_engine_oneapi.joined_products import join_products
from xim_engine_oneapi.openvino_runner import BLOCK_TOKENS, KV_DTYPES, OpenVinoRunner, compile_paged, to_properties
from xim_engine_oneapi.paged_model import is_stateful, to_paged
from xim_generation.chat.tokenizer import Tokenizer
from xim_generation.runner import Batch
from xim_worker import Context, Plan, StartError

VOCABULARY, HEADS, SIZE, LAYERS = 256, 2, 32, 2
HIDDEN = HEADS * SIZE
CONTEXT = Context(
    {"id": "tiny", "shape": {"contextLength": 128}},
    "",
    {"exact": True},
    Plan(threads=2, slots=4, kv_cache_bytes=4 << 20, batch_tokens=64),
    0,
    lambda step, share: None,
)
KV_BYTES = json.loads((Path(__file__).parents[2] / "src/__fixtures__/kv-bytes.json").read_text())
"""Planned bytes of a token; oneapi-memory.test.ts compares its formula with the same numbers."""


def _integers(*values: int) -> Node:
    return op.constant(np.array(values, np.int64))


class _Stateful:
    """A decoder with random weights in the pattern of `optimum-cli export openvino`."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(7)
        self.ids = self._input("input_ids", [-1, -1], Type.i64)
        self.mask = self._input("attention_mask", [-1, -1], Type.i64)
        self.positions = self._input("position_ids", [-1, -1], Type.i64)
        self.beams = self._input("beam_idx", [-1], Type.i32)
        self.sinks: list[Node] = []

    def build(self) -> ov.Model:
        table = self._weights(VOCABULARY)
        hidden = op.gather(table, op.convert(self.ids, Type.i32), _integers(0))
        self.angles = self._turns()
        for layer in range(LAYERS):
            hidden = op.add(hidden, self._attention(layer, hidden))
        logits = op.matmul(hidden, table, False, True)
        logits.output(0).set_names({"logits"})
        return ov.Model([op.result(logits)], self.sinks, [self.ids, self.mask, self.positions, self.beams])

    def _attention(self, layer: int, hidden: Node) -> Node:
        query, key, value = (self._heads(op.matmul(hidden, self._weights(HIDDEN), False, True)) for _ in range(3))
        query, key = self._turned(query), self._turned(key)
        key, value = self._kept(f"key.{layer}", key), self._kept(f"value.{layer}", value)
        attended = op.scaled_dot_product_attention(query, key, value, self._causal(key), causal=False)
        joined = op.reshape(op.transpose(attended, _integers(0, 2, 1, 3)), _integers(0, 0, HIDDEN), True)
        return op.matmul(joined, self._weights(HIDDEN), False, True)

    def _turns(self) -> tuple[Node, Node]:
        """Cosine and sine of the rotary embedding: [batch, 1, tokens, SIZE]."""
        frequencies = 10000.0 ** (-np.arange(0, SIZE, 2).astype(np.float32) / SIZE)
        places = op.convert(op.unsqueeze(self.positions, _integers(1)), Type.f32)
        angles = op.matmul(op.constant(frequencies.reshape(1, -1, 1)), places, False, False)
        angles = op.transpose(angles, _integers(0, 2, 1))
        angles = op.unsqueeze(op.concat([angles, angles], -1), _integers(1))
        return op.cos(angles), op.sin(angles)

    def _turned(self, states: Node) -> Node:
        first, second = op.split(states, op.constant(np.int64(-1)), 2).outputs()
        turned = op.concat([op.multiply(second, op.constant(np.float32(-1))), first], -1)
        return op.add(op.multiply(states, self.angles[0]), op.multiply(turned, self.angles[1]))

    def _causal(self, key: Node) -> Node:
        """0 where a token may look, else a number that no weight reaches: [batch, 1, new tokens, all tokens]."""
        new = op.gather(op.shape_of(self.ids), _integers(1), _integers(0))
        length = op.gather(op.shape_of(key), _integers(2), _integers(0))
        past = op.subtract(length, new)
        rows = op.range(
            op.squeeze(past, _integers(0)), op.squeeze(length, _integers(0)), op.constant(np.int64(1)), "i64"
        )
        columns = op.range(op.constant(np.int64(0)), op.squeeze(length, _integers(0)), op.constant(np.int64(1)), "i64")
        later = op.greater(op.unsqueeze(columns, _integers(0)), op.unsqueeze(rows, _integers(1)))
        shown = op.convert(op.unsqueeze(op.unsqueeze(self.mask, _integers(1)), _integers(1)), Type.boolean)
        hidden = op.logical_or(later, op.logical_not(shown))
        return op.select(hidden, op.constant(np.float32(-1e9)), op.constant(np.float32(0)))

    def _kept(self, name: str, new: Node) -> Node:
        """The states of all tokens so far, kept as a variable."""
        info = VariableInfo()
        info.data_shape, info.data_type, info.variable_id = ov.PartialShape([-1, HEADS, -1, SIZE]), Type.f32, name
        variable = Variable(info)
        batch = op.gather(op.shape_of(self.ids), _integers(0), _integers(0))
        empty = op.broadcast(
            op.constant(np.float32(0)), op.concat([batch, _integers(HEADS), _integers(0), _integers(SIZE)], 0)
        )
        past = op.gather(op.read_value(empty, variable), self.beams, _integers(0))
        whole = op.concat([past, new], 2)
        self.sinks.append(op.assign(whole, variable))
        return whole

    def _heads(self, states: Node) -> Node:
        return op.transpose(op.reshape(states, _integers(0, 0, HEADS, SIZE), True), _integers(0, 2, 1, 3))

    def _weights(self, rows: int) -> Node:
        return op.constant(self.random.standard_normal((rows, HIDDEN), np.float32) * np.float32(0.2))

    def _input(self, name: str, shape: list[int], kind: Type) -> Node:
        node = op.parameter(shape, kind, name=name)
        node.output(0).set_names({name})
        return node


def _alone(tokens: list[int]) -> Any:
    """Logits [tokens, vocabulary] of the stateful model."""
    count = len(tokens)
    inputs = {
        "input_ids": np.array([tokens], np.int64),
        "attention_mask": np.ones((1, count), np.int64),
        "position_ids": np.arange(count)[np.newaxis],
        "beam_idx": np.zeros(1, np.int32),
    }
    compiled = ov.Core().compile_model(_Stateful().build(), "CPU", to_properties(CONTEXT))
    return compiled(inputs)[0][0]


@pytest.fixture(scope="module")
def paged() -> ov.Model:
    return to_paged(_Stateful().build())


def test_only_a_model_with_state_is_one_for_generation(paged: ov.Model) -> None:
    assert is_stateful(_Stateful().build())
    assert not is_stateful(paged)


@pytest.mark.parametrize("name", ["conv_state_table.0", "la.block_indices"])
def test_a_model_that_keeps_more_than_keys_and_values_is_refused(name: str) -> None:
    model = _Stateful().build()
    other = op.parameter([-1], Type.i32, name=name)
    other.output(0).set_names({name})
    model.add_parameters([other])
    with pytest.raises(StartError, match=rf"needs {name}: .* a service with the engine ipex serves it") as raised:
        to_paged(model)
    assert raised.value.permanent


def test_the_inputs_have_the_names_and_types_that_the_runner_sets(paged: ov.Model) -> None:
    inputs = {port.any_name: str(port.element_type) for port in paged.inputs}

    caches = {f"{kind}_cache.{layer}" for kind in ("key", "value") for layer in range(LAYERS)}
    assert {name: kind for name, kind in inputs.items() if name not in caches} == {
        **dict.fromkeys(("input_ids", "position_ids", "rows"), "<Type: 'int64_t'>"),
        **dict.fromkeys(("past_lens", "subsequence_begins", "block_indices"), "<Type: 'int32_t'>"),
        **dict.fromkeys(("block_indices_begins", "max_context_len"), "<Type: 'int32_t'>"),
    }
    assert caches <= inputs.keys()


def has_bf16_kernels() -> bool:
    """Attention in bf16 takes a cache of bf16 or u8."""
    return "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("case", KV_BYTES)
def test_the_cache_holds_as_many_tokens_as_planned(
    case: dict[str, Any], exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads, size = case["kvHeads"], case["headDim"]
    for name, value in {"HEADS": heads, "SIZE": size, "HIDDEN": heads * size, "LAYERS": case["layers"]}.items():
        monkeypatch.setattr(sys.modules[__name__], name, value)
    dtype = case.get("kvCache", "f32" if exact else "u8")
    # Two numbers of four bytes for each element of a head, where exact asks for f32.
    per_token = case["bytesPerToken"] if dtype == case.get("kvCache", "u8") else 8 * case["layers"] * heads * size
    plan = replace(CONTEXT.plan, kv_cache_bytes=64 * BLOCK_TOKENS * per_token)
    options = {"exact": exact} | ({"kvCache": case["kvCache"]} if "kvCache" in case else {})
    context = replace(CONTEXT, options=options, plan=plan)
    bf16 = has_bf16_kernels() and not exact
    if dtype == "f32" and bf16:
        with pytest.raises(StartError, match=r"refuses a key-value cache of f32 on this host.*expect kvcache type"):
            compile_paged(to_paged(_Stateful().build()), context)
        return
    compiled = compile_paged(to_paged(_Stateful().build()), context)

    limits = OpenVinoRunner(compiled, _tokenizer(), context).limits
    assert (limits.blocks, limits.kv_dtype) == (64, "bf16" if dtype == "f16" and bf16 else dtype)
    short = replace(context, plan=replace(plan, kv_cache_bytes=plan.kv_cache_bytes - 1))
    assert OpenVinoRunner(compiled, _tokenizer(), short).limits.blocks == 63


def test_a_dtype_of_the_cache_that_is_unknown_or_not_possible_here_is_a_permanent_start_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = to_paged(_Stateful().build())
    with pytest.raises(StartError, match="kvCache is 'u3'; expected one of u8, f16, bf16, f32") as unknown:
        compile_paged(model, replace(CONTEXT, options={"kvCache": "u3"}))
    assert unknown.value.permanent
    # A type that OpenVINO takes on no host, in place of bf16 on a host without bf16 kernels.
    monkeypatch.setitem(KV_DTYPES, "bf16", ov.Type.i64)
    with pytest.raises(StartError, match="refuses a key-value cache of bf16 on this host") as refused:
        compile_paged(model, replace(CONTEXT, options={"kvCache": "bf16"}))
    assert refused.value.permanent


@pytest.mark.parametrize("joined", [False, True])
def test_a_prompt_and_a_step_of_two_sequences_equal_each_alone(paged: ov.Model, joined: bool) -> None:
    model = paged.clone()
    if joined:
        assert join_products(model) == 3 * LAYERS
    compiled = ov.Core().compile_model(model, "CPU", to_properties(CONTEXT))
    runner = OpenVinoRunner(compiled, _tokenizer(), CONTEXT)
    first, second = [5, 9, 33, 2, 71], [8, 1, 90]

    prompt = runner.forward(_batch([first], [0], [4]))[0].copy()
    both = runner.forward(_batch([[17], second], [5, 0], [0, 3])).copy()

    np.testing.assert_allclose(prompt, _alone(first)[-1], atol=0.05)
    np.testing.assert_allclose(both[0], _alone([*first, 17])[-1], atol=0.05)
    np.testing.assert_allclose(both[1], _alone(second)[-1], atol=0.05)


def test_a_folder_of_an_exporter_generates(tmp_path: Path) -> None:
    ov.save_model(_Stateful().build(), tmp_path / "openvino_model.xml")
    backend = _bytes()
    backend.save(str(tmp_path / "tokenizer.json"))
    handler, awake = Generate(), threading.Event()

    assert handler.load(replace(CONTEXT, model_path=str(tmp_path), wake=awake.set)).models == ["tiny"]

    handler.add(1, {"prompt": {"text": "sea"}, "maxTokens": 4, "ignoreEnd": True, "sampling": {"temperature": 0}})
    events: list[Any] = []
    while not events or events[-1]["type"] != "end":
        if not handler.busy:
            assert awake.wait(30), "a prepared call wakes the runtime"
            awake.clear()
        events += [event for _, event in handler.step()]
    tokens = list(backend.encode("sea").ids)
    for _ in range(4):
        tokens.append(int(_alone(tokens)[-1].argmax()))
    assert "".join(event.get("text", "") for event in events) == backend.decode(tokens[3:])


def test_a_folder_without_a_tokenizer_says_which_file_is_missing(tmp_path: Path) -> None:
    ov.save_model(_Stateful().build(), tmp_path / "openvino_model.xml")

    with pytest.raises(StartError, match=r"tokenizer\.json.* is missing"):
        Generate().load(replace(CONTEXT, model_path=str(tmp_path)))


def _bytes() -> Backend:
    """A tokenizer with a token for each byte."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Backend(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def _tokenizer() -> Tokenizer:
    return Tokenizer(_bytes(), template=None, ends=frozenset(), bos=None, eos=None)


def _batch(tokens: list[list[int]], past: list[int], rows: list[int]) -> Batch:
    """Sequence n has the block n."""
    counts = [len(each) for each in tokens]
    return Batch(
        list(range(len(tokens))),
        np.concatenate([np.array(each, np.int64) for each in tokens]),
        np.concatenate([np.arange(start, start + count) for start, count in zip(past, counts, strict=True)]),
        np.array(past, np.int32),
        np.cumsum([0, *counts]).astype(np.int32),
        np.arange(len(tokens), dtype=np.int32),
        np.arange(len(tokens) + 1, dtype=np.int32),
        np.array(rows, np.int64),
    )
