from __future__ import annotations

import pytest
from xim_engine_oneapi.vocabulary import Vocabulary, from_letters

BYTES = [b"<end>", b"a", b" b", b"\n", b"\xc3\xa9", b"\xc3", b"<think>"]
LETTERS = [b"<end>", b"a", "Ġb".encode(), "Ċ".encode(), "Ã©".encode(), "Ã".encode(), b"<think>"]


class Tokenizer:
    """The library's, on seven tokens: the first is special, the sixth half a character."""

    def __init__(self, vocabulary: list[bytes]) -> None:
        self._vocabulary = vocabulary

    def get_vocab(self) -> dict[bytes, int]:
        return {piece: token for token, piece in enumerate(self._vocabulary)}

    def decode(self, rows: list[list[int]], skip_special_tokens: bool = True) -> list[str]:
        kept = [[token for token in row if token not in (0, 6) or not skip_special_tokens] for row in rows]
        return [b"".join(BYTES[token] for token in row).decode("utf-8", "ignore") for row in kept]


@pytest.mark.parametrize("vocabulary", [BYTES, LETTERS], ids=["of a GGUF file", "of an exported tokenizer"])
def test_joins_the_bytes_of_tokens(vocabulary: list[bytes]) -> None:
    known = Vocabulary(Tokenizer(vocabulary))
    assert known.raw == BYTES
    assert known.decode([[0, 1, 2, 3, 4], [5], [6, 1]]) == ["a b\né", "\ufffd", "<think>a"]


def test_reads_the_letters_of_bytes_that_cannot_be_seen() -> None:
    assert from_letters("ĠĊĀ!ÿ".encode()) == b" \n\x00!\xff"
    assert from_letters("▁a".encode()) == "▁a".encode()
    assert from_letters(b"\xff") == b"\xff"
