"""The bytes that each token stands for, and texts out of them without a round trip through the library."""

from __future__ import annotations

import openvino_genai as genai

_MARKS = ("<think>", "</think>", "<tool_call>", "</tool_call>")


class Vocabulary:
    """Made once: it asks the library about every token, in one batch.

    Where a text is just its tokens' bytes one after the other (byte-level BPE), `decode` joins them here, which takes
    microseconds; the library's own decoding is an inference, half a millisecond in every step. A tokenizer that treats
    a token by its place (SentencePiece drops a text's first space) keeps the library's.
    """

    pieces: list[bytes]
    """By token, its bytes as they appear in a text: none for a special token."""
    raw: list[bytes]
    """By token, its bytes, those of special tokens too."""

    def __init__(self, tokenizer: genai.Tokenizer) -> None:
        self._tokenizer = tokenizer
        known = tokenizer.get_vocab()
        given = [b""] * (max(known.values()) + 1)
        for piece, token in known.items():
            given[token] = piece
        everything = [[token] for token in range(len(given))]
        alone = tokenizer.decode(everything)
        with_special = tokenizer.decode(everything, skip_special_tokens=False)
        self._joins = False
        # A GGUF file's vocabulary is bytes; that of an exported tokenizer may be byte-level BPE's letters for them.
        for self.raw in ([from_letters(piece) for piece in given], given):
            self.pieces, self._joins = _join(self.raw, alone, with_special)
            if self._joins:
                break

    def __len__(self) -> int:
        return len(self.pieces)

    def decode(self, rows: list[list[int]]) -> list[str]:
        """The text of each row of tokens; an incomplete character reads as U+FFFD where the bytes are known here."""
        if not self._joins:
            texts: list[str] = self._tokenizer.decode(rows)
            return texts
        pieces = self.pieces
        return [b"".join([pieces[token] for token in row]).decode("utf-8", "replace") for row in rows]


def _join(raw: list[bytes], alone: list[str], with_special: list[str]) -> tuple[list[bytes], bool]:
    """What each token adds to a text, and whether that is its own bytes for every token, as the library decodes it."""
    pieces = list(raw)
    joins = True
    for token, (text, name) in enumerate(zip(alone, with_special, strict=True)):
        if name in _MARKS:
            # Some files call these special; their text is what calls and thoughts are known by.
            pieces[token] = name.encode()
        elif text == "" and name != "":
            pieces[token] = b""
        # The library leaves out the bytes of an incomplete character.
        elif pieces[token].decode("utf-8", "ignore") != text:
            joins = False
            pieces[token] = text.encode()
    return pieces, joins


def _letters() -> dict[str, int]:
    """Byte-level BPE's letter for each byte: itself where it can be seen, else from U+0100 on in their order.

    (OpenAI's GPT-2, encoder.py, bytes_to_unicode)
    """
    seen = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in seen]
    return {chr(byte): byte for byte in seen} | {chr(256 + at): byte for at, byte in enumerate(hidden)}


_LETTERS = _letters()


def from_letters(piece: bytes) -> bytes:
    """The bytes that a token's name in byte-level BPE stands for; the name itself where it is none."""
    try:
        return bytes(_LETTERS[letter] for letter in piece.decode())
    except (UnicodeDecodeError, KeyError):
        return piece
