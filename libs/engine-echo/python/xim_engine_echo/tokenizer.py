"""The tokenizer: a token is a short word with its space, or a piece of a longer word or of a character's UTF-8."""

from __future__ import annotations

import re

from xim_worker import InvalidInput

# Two bytes at a time outside ASCII, so that most such characters are cut in the middle, as real tokenizers cut them.
_PIECE = re.compile(rb" ?[!-~]{1,5}|[\x80-\xff]{1,2}|.", re.DOTALL)


def cut(text: str) -> list[bytes]:
    return _PIECE.findall(text.encode("utf-8", "replace"))


def to_id(piece: bytes) -> int:
    """The bytes as one number behind a leading 1: no vocabulary to keep, and at most 49 bits, exact in JSON."""
    return int.from_bytes(b"\1" + piece, "big")


def from_id(token: object, param: str) -> bytes:
    if type(token) is int and token >= 256:
        raw = token.to_bytes((token.bit_length() + 7) // 8, "big")
        if raw[0] == 1 and len(raw) <= 7:
            return raw[1:]
    raise InvalidInput(f"{token!r} is not a token of this model", param)
