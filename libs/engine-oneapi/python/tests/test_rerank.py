"""A cross-encoder in OpenVINO IR whose logit is a known sum over the tokens, and a real model for embeddings."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from xim_embedding.handler import EmbedHandler
from xim_embedding.rerank import RerankHandler
from xim_engine_oneapi.embed import OpenVINOEncoder
from xim_worker import Context, EmbedInput, Plan, RerankInput, StartError

CACHE = Path(os.environ.get("XIM_MODEL_CACHE", Path(__file__).parents[4] / ".model_cache"))
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "red", "house", "at", "the", "sea"]
WEIGHTS = np.array([[1000, 0, 0.5, 0.25, 1, 2, 3, 4, 5, 6], [1000, 0, 0, 0.125, -1, -2, -3, -4, -5, -6]], np.float32)
DOCUMENTS = ["a red house", "the sea", "red", "a house at the sea at the sea at the red sea"]


def write(folder: Path, labels: int = 1, segments: bool = True) -> None:
    ids, mask, types = (ops.parameter([-1, -1], np.int64) for _ in range(3))
    for port, name in ((ids, "input_ids"), (mask, "attention_mask"), (types, "token_type_ids")):
        port.output(0).get_tensor().set_names({name})
    first, second = (ops.gather(ops.constant(row), ids, ops.constant(0)) for row in WEIGHTS)
    chosen = ops.convert(types, np.float32) if segments else ops.constant(np.float32(0))
    values = ops.add(first, ops.multiply(chosen, ops.subtract(second, first)))
    masked = ops.multiply(values, ops.convert(mask, np.float32))
    logits = ops.tile(ops.reduce_sum(masked, ops.constant([1]), keep_dims=True), ops.constant([1, labels]))
    ov.save_model(ov.Model([logits], [ids, mask, *([types] if segments else [])]), folder / "openvino_model.xml")
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def load(folder: Path) -> RerankHandler:
    handler = RerankHandler(OpenVINOEncoder, OpenVINOEncoder)
    model = {"id": "m", "shape": {"contextLength": 64}}
    handler.load(Context(model, str(folder), {}, Plan(2, 4, 0, 256), 0, lambda step, fraction: None))
    return handler


def scores_of(handler: RerankHandler, request: RerankInput) -> list[float]:
    items = list(handler.prepare(request))
    found: list[float] = np.frombuffer(handler.finish(request, items, handler.run(items))["scores"], "<f4").tolist()
    return found


def expected_of(query: str, document: str, segments: bool) -> float:
    first = sum(WEIGHTS[0][WORDS.index(word)] for word in ["[CLS]", *query.split(), "[SEP]"])
    second = sum(WEIGHTS[int(segments)][WORDS.index(word)] for word in [*document.split(), "[SEP]"])
    return float(first + second)


@pytest.mark.parametrize("segments", [True, False])
def test_query_and_document_are_told_apart_and_padding_is_not_read(tmp_path: Path, segments: bool) -> None:
    write(tmp_path, segments=segments)
    found = scores_of(load(tmp_path), {"queries": ["the red sea"], "documents": DOCUMENTS})
    assert found == pytest.approx([expected_of("the red sea", document, segments) for document in DOCUMENTS], abs=0.01)


def test_a_model_with_several_labels_is_refused(tmp_path: Path) -> None:
    write(tmp_path, labels=2)
    with pytest.raises(StartError, match=r"gives \[2, 2\] numbers for 2 pairs"):
        load(tmp_path)


def test_a_language_model_is_refused_with_the_command_that_converts_it(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "config.json").write_text('{"architectures": ["Qwen3ForCausalLM"]}', "utf8")
    with pytest.raises(StartError, match=r"npx xim-models convert models\.json --task rerank"):
        load(tmp_path)


def test_a_model_for_embeddings_scores_by_the_cosine_of_its_vectors() -> None:
    [model] = CACHE.glob("models--sentence-transformers--all-MiniLM-L6-v2/snapshots/*/model.onnx")
    shape = {"contextLength": 256, "dimensions": 384}
    context = Context(
        {"id": "m", "shape": shape},
        str(model.parent),
        {"scoring": "similarity"},
        Plan(2, 4, 0, 256),
        0,
        lambda step, fraction: None,
    )
    handler, embed = RerankHandler(OpenVINOEncoder, OpenVINOEncoder), EmbedHandler(OpenVINOEncoder)
    assert handler.load(context).context_length == 256
    embed.load(context)
    query = "Where do boats rest?"
    documents = ["The market opens at seven.", "The harbour shelters ships from the storm.", "word " * 300]
    request: RerankInput = {"queries": [query], "documents": documents, "truncate": {}}
    found = scores_of(handler, request)
    texts: EmbedInput = {"items": [{"text": text} for text in [query, *documents]], "truncate": {}}
    vectors = np.stack(embed.run(list(embed.prepare(texts))))
    assert found == pytest.approx((vectors[1:] @ vectors[0]).tolist(), abs=1e-3)
    assert found[1] > 0.3 > 0.2 > found[0]
