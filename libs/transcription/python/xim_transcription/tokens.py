"""Converts tokens of Whisper's vocabulary to bytes."""

from __future__ import annotations

import math
from typing import Any

_LEAST_PROBABILITY = 1e-30


def _byte_of_character() -> dict[str, int]:
    """Maps each character of a byte-level vocabulary to its byte.

    Source: GPT-2's encoder.py, `bytes_to_unicode`: a printable byte of Latin-1 stands for itself, and the n-th of the
    other bytes is U+0100 + n.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + at): byte for at, byte in enumerate(others)}


_BYTES = _byte_of_character()


def to_bytes(written: str) -> bytes:
    """The UTF-8 bytes of a token; `written` is the token in the vocabulary's notation."""
    return bytes(_BYTES[character] for character in written)


def to_chance(token: int, written: str, probability: float) -> dict[str, Any]:
    """Builds the contract's `TokenChance`; `probability` is 0 to 1."""
    spelled = to_bytes(written)
    return {
        "id": token,
        "token": spelled.decode("utf-8", "replace"),
        "bytes": list(spelled),
        "logprob": min(0.0, math.log(max(float(probability), _LEAST_PROBABILITY))),
    }
