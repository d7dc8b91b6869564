"""The tokens of a text and the characters that each stands for."""

from __future__ import annotations

from collections.abc import Sequence

from xim_worker import TextToken


def to_text_tokens(tokens: Sequence[int], pieces: Sequence[bytes]) -> tuple[list[TextToken], str]:
    """`TextToken`s of the contract out of tokens and their bytes, and the whole text.

    `start` and `end` count characters (code points). A token that ends inside a character reaches to its end, and the
    next one begins at its start; alone, such a token reads as U+FFFD.
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
