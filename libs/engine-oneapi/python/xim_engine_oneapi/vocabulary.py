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
        self.pieces = [b""] * (max(known.values()) + 1)
        for piece, token in known.items():
            self.pieces[token] = piece
        everything = [[token] for token in range(len(self.pieces))]
        self.raw = list(self.pieces)
        alone = tokenizer.decode(everything)
        with_special = tokenizer.decode(everything, skip_special_tokens=False)
        self._joins = True
        for token, (text, raw) in enumerate(zip(alone, with_special, strict=True)):
            if raw in _MARKS:
                # Some files call these special; their text is what calls and thoughts are known by.
                self.pieces[token] = raw.encode()
            elif text == "" and raw != "":
                self.pieces[token] = b""
            # The library leaves out the bytes of an incomplete character.
            elif self.pieces[token].decode("utf-8", "ignore") != text:
                self._joins = False
                self.pieces[token] = text.encode()

    def __len__(self) -> int:
        return len(self.pieces)

    def decode(self, rows: list[list[int]]) -> list[str]:
        """The text of each row of tokens; an incomplete character reads as U+FFFD where the bytes are known here."""
        if not self._joins:
            texts: list[str] = self._tokenizer.decode(rows)
            return texts
        pieces = self.pieces
        return [b"".join([pieces[token] for token in row]).decode("utf-8", "replace") for row in rows]
