from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from xim_embedding.tokenizer import TextTokens
from xim_embedding.tokenizer_file import open_tokenizer
from xim_worker import EmbedItem, InvalidInput, Truncation


@pytest.fixture
def tokens(tmp_path: Path) -> TextTokens:
    """Words a, b, c, special tokens [ and ] around a text. The file enables padding and truncation, as is usual."""
    tokenizer = Tokenizer(WordLevel({"?": 0, "[": 1, "]": 2, "a": 3, "b": 4, "c": 5}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[ $A ]", special_tokens=[("[", 1), ("]", 2)])
    tokenizer.enable_padding(length=6)
    tokenizer.enable_truncation(4)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return TextTokens(open_tokenizer(tmp_path), context_length=6)


def test_texts_are_neither_cut_nor_padded(tokens: TextTokens) -> None:
    assert list(tokens.read([{"text": "a b c a"}, {"text": "b"}])) == [[1, 3, 4, 5, 3, 2], [1, 4, 2]]


@pytest.mark.parametrize("given", [[3, 4], [1, 3, 4], [3, 4, 2], [1, 3, 4, 2]])
def test_special_tokens_that_are_missing_are_added(tokens: TextTokens, given: list[int]) -> None:
    assert list(tokens.read([{"text": "c"}, {"tokens": given}])) == [[1, 5, 2], [1, 3, 4, 2]]


@pytest.mark.parametrize(
    ("items", "param", "code"),
    [
        ([], "items", "XIM_INVALID_INPUT"),
        ([{"text": "a"}, {"text": ""}], "items.1", "XIM_INVALID_INPUT"),
        ([{"tokens": []}], "items.0", "XIM_INVALID_INPUT"),
        ([{"tokens": [6]}], "items.0", "XIM_INVALID_INPUT"),
        ([{"tokens": [3, -1]}], "items.0", "XIM_INVALID_INPUT"),
        ([{"text": "a b c a b"}], "items.0", "XIM_CONTEXT_LENGTH_EXCEEDED"),
        ([{"text": "a"}] * 40 + [{"text": "a b c a b"}], "items.40", "XIM_CONTEXT_LENGTH_EXCEEDED"),
        ([{"text": "a"}, {"tokens": [3] * 5}], "items.1", "XIM_CONTEXT_LENGTH_EXCEEDED"),
    ],
)
def test_what_cannot_be_embedded_is_refused(tokens: TextTokens, items: list[EmbedItem], param: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        list(tokens.read(items))
    assert (refusal.value.param, refusal.value.code) == (param, code)


def test_a_prompt_is_put_before_texts_only(tokens: TextTokens) -> None:
    assert list(tokens.read([{"text": "b"}, {"tokens": [4]}], "c ")) == [[1, 5, 4, 2], [1, 4, 2]]


def test_a_text_of_megabytes_is_refused_before_anything_is_encoded(
    tokens: TextTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Never:
        def encode_batch(self, texts: list[str]) -> None:
            raise AssertionError

    monkeypatch.setattr(tokens, "_tokenizer", Never())
    with pytest.raises(InvalidInput, match="10000000 characters") as refusal:
        list(tokens.read([{"text": "a"}, {"text": "a " * 5_000_000}]))
    assert (refusal.value.param, refusal.value.code) == ("items.1", "XIM_CONTEXT_LENGTH_EXCEEDED")


@pytest.mark.parametrize(
    ("truncate", "expected"),
    [
        ({}, [1, 3, 4, 5, 3, 2]),
        ({"tokens": 99}, [1, 3, 4, 5, 3, 2]),
        ({"keep": "end"}, [1, 5, 3, 4, 5, 2]),
        ({"tokens": 4}, [1, 3, 4, 2]),
        ({"tokens": 3, "keep": "end"}, [1, 5, 2]),
    ],
)
def test_an_item_that_is_too_long_is_cut_between_the_special_tokens(
    tokens: TextTokens, truncate: Truncation, expected: list[int]
) -> None:
    items: list[EmbedItem] = [
        {"text": "a b c a b c"},
        {"tokens": [3, 4, 5, 3, 4, 5]},
        {"tokens": [1, 3, 4, 5, 3, 4, 5, 2]},
    ]
    assert list(tokens.read(items, truncate=truncate)) == [expected] * 3
    assert list(tokens.read([{"text": "a"}], truncate=truncate)) == [[1, 3, 2]]


def test_a_prompt_stays_before_a_text_that_is_cut(tokens: TextTokens) -> None:
    assert list(tokens.read([{"text": "a b c a b"}], "c ", {})) == [[1, 5, 3, 4, 5, 2]]
    with pytest.raises(InvalidInput) as refusal:
        list(tokens.read([{"text": "a"}], "c ", {"keep": "end"}))
    assert (refusal.value.param, refusal.value.code) == ("truncate.keep", "XIM_UNSUPPORTED_PARAMETER")


@pytest.mark.parametrize("most", [0, 2, -1])
def test_no_room_for_a_token_is_refused(tokens: TextTokens, most: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        list(tokens.read([{"text": "a"}], truncate={"tokens": most}))
    assert refusal.value.param == "truncate.tokens"
