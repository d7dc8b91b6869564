"""The engine's own compiler takes the grammars: a model of one multiplication, with a real tokenizer, follows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino_genai as genai
import pytest
from openvino import opset13 as ops
from xim_engine_oneapi.grammar import format_grammar, tool_grammar, tool_parts
from xim_engine_oneapi.tool_tags import to_tool_tags

MODELS = Path(__file__).parents[4] / ".model_cache"
END = 2


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> genai.LLMPipeline:
    (file,) = MODELS.glob("*SmolLM2*/snapshots/*/*.gguf")
    tokenizer = genai.Tokenizer(str(file))
    names = ("input_ids", "attention_mask", "position_ids", "beam_idx")
    inputs = [ops.parameter([-1] if name == "beam_idx" else [-1, -1], np.int64, name=name) for name in names[:3]]
    inputs.append(ops.parameter([-1], np.int32, name="beam_idx"))
    for node, name in zip(inputs, names, strict=True):
        node.output(0).get_tensor().set_names({name})
    one = ops.convert(ops.unsqueeze(inputs[0], ops.constant(np.int64(2))), "f32")
    logits = ops.result(ops.multiply(one, ops.constant(np.zeros((1, 1, len(tokenizer.get_vocab())), np.float32))))
    logits.output(0).get_tensor().set_names({"logits"})
    path = tmp_path_factory.mktemp("tiny") / "openvino_model.xml"
    ov.save_model(ov.Model([logits], inputs, "tiny"), path)
    weights = ov.Tensor(np.fromfile(path.with_suffix(".bin"), np.uint8))
    return genai.LLMPipeline(path.read_text(), weights, tokenizer, "CPU", ATTENTION_BACKEND="SDPA")


def generate(pipeline: genai.LLMPipeline, grammar: str | genai.StructuredOutputConfig, tokens: int) -> tuple[str, bool]:
    """Text, and whether it ended by itself. Every token is as probable as another, so that chance alone chooses."""
    config = genai.GenerationConfig(
        max_new_tokens=tokens,
        do_sample=True,
        rng_seed=3,
        eos_token_id=END,
        structured_output_config=genai.StructuredOutputConfig(grammar=grammar) if isinstance(grammar, str) else grammar,
    )
    ids = pipeline.generate(ov.Tensor(np.array([[5]], np.int64)), config).tokens[0]
    return pipeline.get_tokenizer().decode(ids), len(ids) < tokens


PROPERTIES = {"a": {"type": "integer"}, "b": {"type": "string", "format": "date"}, "c": {"enum": ["x", "é😀\\"]}}


@pytest.mark.parametrize(
    ("format", "ends"),
    [
        ({"type": "json"}, False),
        ({"type": "json-schema", "schema": {"type": "object", "properties": PROPERTIES, "required": ["b"]}}, True),
        ({"type": "json-schema", "schema": {"type": "string", "minLength": 1, "maxLength": 5}}, True),
        ({"type": "json-schema", "schema": {"type": "string", "pattern": "^(a|b).*c$", "maxLength": 8}}, True),
        (
            {
                "type": "json-schema",
                "schema": {"type": "array", "items": {"minimum": -1.5, "maximum": 2}, "maxItems": 3},
            },
            True,
        ),
        (
            {
                "type": "json-schema",
                "schema": {"anyOf": [{"$ref": "#/$defs/n"}], "$defs": {"n": {"const": {"a": [None]}}}},
            },
            True,
        ),
        ({"type": "regex", "pattern": '[\\]"\\\\-]{2}\\n[^\\n]é?(x|y){3}'}, True),
    ],
)
def test_a_grammar_is_taken_and_followed(pipeline: genai.LLMPipeline, format: dict[str, Any], ends: bool) -> None:
    text, ended = generate(pipeline, format_grammar(format), 60)
    assert ended or not ends
    if ended and format["type"] != "regex":
        json.loads(text)


def test_calls_of_tools_are_taken(pipeline: genai.LLMPipeline) -> None:
    tools = [{"name": 'odd "name"', "parameters": {"properties": {"n": {"type": "integer"}}, "required": ["n"]}}]
    grammar = tool_grammar(
        tools, name=None, parallel=False, begin="<tool_call>\n", end="\n</tool_call>", separator="\n"
    )
    text, ended = generate(pipeline, grammar, 80)
    assert ended
    call = json.loads(text.removeprefix("<tool_call>\n").removesuffix("\n</tool_call>"))
    assert call["name"] == 'odd "name"'
    assert isinstance(call["arguments"]["n"], int)


def test_a_call_in_free_text_is_held_to_its_schema(pipeline: genai.LLMPipeline) -> None:
    tools = [
        {"name": name, "parameters": {"properties": {name: {"type": "boolean"}}, "required": [name]}}
        for name in ("f", "g")
    ]
    parts = tool_parts(tools, begin="<tool_call>", end="</tool_call>")
    text, ended = generate(pipeline, to_tool_tags(parts, "<tool_call>", parallel=False, required=True), 60)
    assert ended
    call = json.loads(text.removeprefix("<tool_call>").removesuffix("</tool_call>"))
    assert list(call["arguments"]) == [call["name"]]
    free, _ = generate(pipeline, to_tool_tags(parts, "<tool_call>", parallel=True), 5)
    assert free


def test_a_broken_grammar_is_an_error(pipeline: genai.LLMPipeline) -> None:
    with pytest.raises(RuntimeError):
        generate(pipeline, "root ::= (", 5)
