"""Tokens of Whisper's vocabulary as bytes."""

from __future__ import annotations

import math
from typing import Any

_LEAST_PROBABILITY = 1e-30


def _byte_of_character() -> dict[str, int]:
    """The character that stands for each byte in a byte-level vocabulary.

    Source: GPT-2's encoder.py, `bytes_to_unicode`: a printable byte of Latin-1 stands for itself, and the n-th of the
    other bytes is U+0100 + n.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + at): byte for at, byte in enumerate(others)}


_BYTES = _byte_of_character()


def to_bytes(written: str) -> bytes:
    """The UTF-8 that a token stands for; `written` is the token as the vocabulary writes it."""
    return bytes(_BYTES[character] for character in written)


def to_chance(token: int, written: str, probability: float) -> dict[str, Any]:
    """The contract's `TokenChance`."""
    spelled = to_bytes(written)
    return {
        "id": token,
        "token": spelled.decode("utf-8", "replace"),
        "bytes": list(spelled),
        "logprob": min(0.0, math.log(max(float(probability), _LEAST_PROBABILITY))),
    }
