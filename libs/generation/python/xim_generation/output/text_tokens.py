"""The tokens of a text, and the characters of each token."""

from __future__ import annotations

from collections.abc import Sequence

from xim_worker import TextToken


def to_text_tokens(tokens: Sequence[int], pieces: Sequence[bytes]) -> tuple[list[TextToken], str]:
    """`TextToken`s of the contract from tokens and their bytes, and the whole text.

    `start` and `end` count characters (code points). A token that ends inside a character includes the whole character,
    and the next token begins at the start of the character; such a token alone becomes U+FFFD.
    """
    text = b"".join(pieces).decode("utf-8", "replace")
    result: list[TextToken] = []
    before = b""
    for token, piece in zip(tokens, pieces, strict=True):
        start = len(before.decode("utf-8", "ignore"))
        before += piece
        end = len(before.decode("utf-8", "replace"))
        result.append({"id": token, "text": piece.decode("utf-8", "replace"), "start": start, "end": end})
    return result, text
