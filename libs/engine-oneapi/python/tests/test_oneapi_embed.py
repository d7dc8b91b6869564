from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from xim_engine_oneapi.pooling import cls, mean, to_unit
from xim_engine_oneapi.text_tokens import TextTokens
from xim_worker import InvalidInput


@pytest.fixture
def tokens(tmp_path: Path) -> TextTokens:
    """Words a, b, c; [ and ] around a text; a file that asks for padding and cutting, as such files do."""
    tokenizer = Tokenizer(WordLevel({"?": 0, "[": 1, "]": 2, "a": 3, "b": 4, "c": 5}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[ $A ]", special_tokens=[("[", 1), ("]", 2)])
    tokenizer.enable_padding(length=6)
    tokenizer.enable_truncation(4)
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    return TextTokens(str(path), context_length=6)


def test_texts_are_neither_cut_nor_padded(tokens: TextTokens) -> None:
    assert tokens.read([{"text": "a b c a"}, {"text": "b"}]) == [[1, 3, 4, 5, 3, 2], [1, 4, 2]]


@pytest.mark.parametrize("given", [[3, 4], [1, 3, 4], [3, 4, 2], [1, 3, 4, 2]])
def test_special_tokens_that_are_missing_are_added(tokens: TextTokens, given: list[int]) -> None:
    assert tokens.read([{"text": "c"}, {"tokens": given}]) == [[1, 5, 2], [1, 3, 4, 2]]


@pytest.mark.parametrize(
    ("items", "param", "code"),
    [
        ([], "items", "XIM_INVALID_INPUT"),
        ([{"text": "a"}, {"text": ""}], "items.1", "XIM_INVALID_INPUT"),
        ([{"tokens": []}], "items.0", "XIM_INVALID_INPUT"),
        ([{"tokens": [6]}], "items.0", "XIM_INVALID_INPUT"),
        ([{"tokens": [3, -1]}], "items.0", "XIM_INVALID_INPUT"),
        ([{"text": "a b c a b"}], "items.0", "XIM_CONTEXT_LENGTH_EXCEEDED"),
        ([{"text": "a"}, {"tokens": [3] * 5}], "items.1", "XIM_CONTEXT_LENGTH_EXCEEDED"),
    ],
)
def test_what_cannot_be_embedded_is_refused(
    tokens: TextTokens, items: list[dict[str, object]], param: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        tokens.read(items)
    assert (refusal.value.param, refusal.value.code) == (param, code)


HIDDEN = np.array([[[1, 2], [3, 4], [100, 100]], [[1, 1], [1, 1], [1, 4]]], np.float32)
MASK = np.array([[1, 1, 0], [1, 1, 1]], np.int64)


def test_the_mean_leaves_padding_out() -> None:
    np.testing.assert_allclose(mean(HIDDEN, MASK), [[2, 3], [1, 2]])


def test_cls_is_the_first_token_and_owns_its_memory() -> None:
    hidden = HIDDEN.copy()
    first = cls(hidden, MASK)
    hidden[:] = 0
    np.testing.assert_array_equal(first, [[1, 2], [1, 1]])


def test_vectors_get_length_1_and_zeros_stay() -> None:
    unit = to_unit(np.array([[3, 4], [0, 0], [1e-15, 0]], np.float32))
    assert np.abs(unit - np.array([[0.6, 0.8], [0, 0], [1, 0]])).max() < 1e-6
