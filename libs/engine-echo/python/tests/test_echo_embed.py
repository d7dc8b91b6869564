from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from math import hypot

import pytest
from xim_engine_echo.embed import Embed
from xim_engine_echo.tokenizer import echo_tokenizer
from xim_worker import Context, EmbedInput, InvalidInput


@pytest.fixture
def handler(context: Callable[..., Context]) -> Embed:
    embed = Embed()
    assert embed.load(context(dimensions=16)).dimensions == 16
    return embed


def vectors(handler: Embed, request: EmbedInput) -> Sequence[array[float]]:
    items = handler.prepare(request)
    result = handler.finish(request, items, handler.run(items))
    values = array("f", result["vectors"])
    assert result["inputTokens"] == sum(item.size for item in items)
    size = result["dimensions"]
    return [values[at : at + size] for at in range(0, len(values), size)]


def test_equal_texts_have_equal_unit_vectors_and_others_do_not(handler: Embed) -> None:
    tokens = echo_tokenizer().encode("naïve words", special=False)
    rows = vectors(handler, {"items": [{"text": "naïve words"}, {"text": "others"}, {"tokens": tokens}]})
    assert rows[0] == rows[2] != rows[1]
    assert [hypot(*row) for row in rows] == pytest.approx([1, 1, 1])


def test_fewer_dimensions_are_the_beginning_renormalised(handler: Embed) -> None:
    [full] = vectors(handler, {"items": [{"text": "a"}]})
    [short] = vectors(handler, {"items": [{"text": "a"}], "dimensions": 4})
    length = hypot(*full[:4])
    assert list(short) == pytest.approx([value / length for value in full[:4]], abs=1e-6)


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"items": []}, "items"),
        ({"items": [{"text": "a"}, {"text": ""}]}, "items.1"),
        ({"items": [{"tokens": []}]}, "items.0"),
        ({"items": [{"tokens": [3, 50_256]}]}, "items.0"),
        ({"items": [{"text": "a"}, {"text": "\ud83d"}]}, "items.1"),
        ({"items": [{"text": "a"}], "dimensions": 17}, "dimensions"),
        ({"items": [{"text": "a"}], "dimensions": 0}, "dimensions"),
        ({"items": [{"text": "a " * 4097}]}, "items.0"),
    ],
)
def test_bad_items_are_refused_by_place(handler: Embed, request_: EmbedInput, param: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        handler.prepare(request_)
    assert refusal.value.param == param
