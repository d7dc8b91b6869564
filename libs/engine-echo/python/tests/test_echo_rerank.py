"""The relevance of the reference engine: the share of the query's tokens."""

import math
import struct
from collections.abc import Callable
from typing import Any

import pytest
from xim_engine_echo.rerank import Rerank
from xim_worker import Context, InvalidInput, RerankInput


@pytest.fixture
def handler(context: Callable[..., Context]) -> Rerank:
    rerank = Rerank()
    assert rerank.load(context(contextLength=16)).context_length == 16
    return rerank


def scores_of(handler: Rerank, request: RerankInput) -> tuple[list[float], int]:
    items = handler.prepare(request)
    event = handler.finish(request, items, handler.run(items))
    assert event["kind"] == "log-odds"
    return list(struct.unpack(f"<{len(items)}f", event["scores"])), event["inputTokens"]


def test_more_words_of_the_query_are_more_relevant(handler: Rerank) -> None:
    scores, tokens = scores_of(handler, {"queries": ["one two"], "documents": ["nine", "two", "two one"]})
    most = math.log(0.99 / 0.01)
    # The second word of a text is another token than the first, since it begins with a space.
    assert scores == pytest.approx([-most, -most, -most], abs=1e-4)
    assert tokens == 10
    scores, _ = scores_of(handler, {"queries": ["one two"], "documents": ["one", "one two", "six two"]})
    assert scores == pytest.approx([0, most, 0], abs=1e-4)


def test_a_query_for_each_document(handler: Rerank) -> None:
    scores, _ = scores_of(handler, {"queries": ["one", "two"], "documents": ["one", "one"]})
    assert scores[0] > 4 > -4 > scores[1]


def test_the_instruction_stands_before_the_query(handler: Rerank) -> None:
    request: Any = {"queries": [" two"], "documents": ["one two"]}
    [plain], before = scores_of(handler, request)
    request["instruction"] = "nine"
    [with_it], after = scores_of(handler, request)
    assert plain > 4 > with_it
    assert after == before + 1


@pytest.mark.parametrize(
    ("fields", "relevant"),
    [
        ({"documentTokens": 3}, False),
        ({"documentTokens": 4}, True),
        ({"truncate": {"tokens": 4}}, False),
        ({"truncate": {"tokens": 5}}, True),
        ({"truncate": {"tokens": 2, "keep": "end"}}, True),
    ],
)
def test_a_document_is_cut(handler: Rerank, fields: Any, relevant: bool) -> None:
    # Four tokens: "a", a space, the full stop, and the word with its space.
    request: Any = {"queries": [" one"], "documents": ["a . one"], **fields}
    scores, _ = scores_of(handler, request)
    assert (scores[0] > 0) is relevant


@pytest.mark.parametrize(
    ("request_", "param", "code"),
    [
        ({"queries": ["a"], "documents": []}, "documents", "XIM_INVALID_INPUT"),
        ({"queries": ["a", "b"], "documents": ["c"]}, "queries", "XIM_INVALID_INPUT"),
        ({"queries": [""], "documents": ["c"]}, "queries.0", "XIM_INVALID_INPUT"),
        ({"queries": ["a"], "documents": ["b", ""]}, "documents.1", "XIM_INVALID_INPUT"),
        ({"queries": ["a"], "documents": ["b"], "documentTokens": 0}, "documentTokens", "XIM_INVALID_INPUT"),
        ({"queries": ["a"], "documents": ["b" * 20]}, "documents.0", "XIM_CONTEXT_LENGTH_EXCEEDED"),
    ],
)
def test_what_is_refused(handler: Rerank, request_: RerankInput, param: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        handler.prepare(request_)
    assert (refusal.value.param, refusal.value.code) == (param, code)
