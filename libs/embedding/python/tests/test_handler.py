"""The handler with an encoder whose hidden states are the token ids."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from token_encoder import TokenEncoder, context_of
from xim_embedding.encoder import Floats
from xim_embedding.handler import EmbedHandler
from xim_worker import EmbedInput, InvalidInput, StartError


def loaded(folder: Path, **options: Any) -> tuple[EmbedHandler, TokenEncoder]:
    encoder = TokenEncoder()
    handler = EmbedHandler(lambda context: encoder)
    info = handler.load(context_of(folder, options))
    assert (info.dimensions, info.context_length, info.dtype, handler.parallel) == (2, 16, "f32", 3)
    return handler, encoder


def vectors_of(handler: EmbedHandler, request: EmbedInput) -> Floats:
    items = list(handler.prepare(request))
    event = handler.finish(request, items, handler.run(items))
    return np.frombuffer(event["vectors"], "<f4").reshape(-1, event["dimensions"])


def unit(*values: float) -> Floats:
    vector = np.array(values, np.float32)
    scaled: Floats = (vector / np.linalg.norm(vector)).astype(np.float32)
    return scaled


def test_a_text_has_the_same_vector_alone_and_in_a_padded_batch(tmp_path: Path) -> None:
    handler, encoder = loaded(tmp_path)
    together = vectors_of(handler, {"items": [{"text": "a"}, {"text": "a b a"}, {"tokens": [3, 3]}]})
    np.testing.assert_allclose(together, [unit(2, 1), unit(7 / 3, 2), unit(3, 1.5)], rtol=1e-6)
    np.testing.assert_array_equal(vectors_of(handler, {"items": [{"text": "a"}]})[0], together[0])
    assert encoder.shapes == [(1, 8), (3, 8), (1, 8)]


def test_a_prompt_is_computed_with_the_text(tmp_path: Path) -> None:
    handler, _ = loaded(tmp_path, pooling="cls")
    request: EmbedInput = {"items": [{"text": "a"}]}
    np.testing.assert_allclose(vectors_of(handler, request)[0], unit(2, 1), rtol=1e-6)
    np.testing.assert_allclose(vectors_of(handler, {**request, "prompt": "query"})[0], unit(4, 1), rtol=1e-6)
    np.testing.assert_allclose(vectors_of(handler, {**request, "prompt": "document"})[0], unit(2, 1), rtol=1e-6)


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"items": [{"text": "a"}], "prompt": "other"}, "prompt"),
        ({"items": [{"text": "a"}, {"tokens": [2]}], "prompt": "query"}, "prompt"),
        ({"items": [{"text": "a"}], "dimensions": 1}, "dimensions"),
        ({"items": [{"text": "a"}], "dimensions": 3}, "dimensions"),
        ({"items": [{"text": "a " * 17}]}, "items.0"),
    ],
)
def test_what_is_refused(tmp_path: Path, request_: EmbedInput, param: str) -> None:
    handler, _ = loaded(tmp_path)
    with pytest.raises(InvalidInput) as refusal:
        list(handler.prepare(request_))
    assert refusal.value.param == param


@pytest.mark.parametrize(
    ("axes", "options", "dimensions", "message"),
    [
        (2, {}, 2, "an array of 2 axes; its pooling expects 3"),
        (3, {"pooling": "none"}, 2, "an array of 3 axes; its pooling expects 2"),
        (3, {}, 5, "the model gives 2 dimensions, models.json says 5"),
    ],
)
def test_what_does_not_fit_together_fails_the_start(
    tmp_path: Path, axes: int, options: dict[str, Any], dimensions: int, message: str
) -> None:
    handler = EmbedHandler(lambda context: TokenEncoder(axes))
    with pytest.raises(StartError, match=message):
        handler.load(context_of(tmp_path, options, dimensions))


def test_a_model_that_pools_by_itself(tmp_path: Path) -> None:
    handler = EmbedHandler(lambda context: TokenEncoder(2))
    handler.load(context_of(tmp_path, {"pooling": "none"}))
    np.testing.assert_allclose(vectors_of(handler, {"items": [{"text": "b"}]})[0], unit(3, 1), rtol=1e-6)
