"""The bytes of each token, derived from the decoder in tokenizer.json."""

from __future__ import annotations

import re
from typing import Any

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


def _letters() -> dict[str, int]:
    """Byte-level BPE's letter for each byte: the byte's own character if visible, else U+0100 and up.

    Source: GPT-2, encoder.py, bytes_to_unicode.
    """
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {chr(256 + at): byte for at, byte in enumerate(hidden)}


_LETTERS = _letters()


class TokenBytes:
    """Maps the names of a vocabulary's tokens to bytes.

    `decoder` and `model` are the objects of these names in tokenizer.json. Raises ValueError for a decoder whose
    tokens have no fixed bytes.
    """

    def __init__(self, decoder: dict[str, Any] | None, model: dict[str, Any]) -> None:
        parts = _flat(decoder)
        kinds = [part["type"] for part in parts]
        unknown = set(kinds) - {"ByteLevel", "Metaspace", "Replace", "ByteFallback", "Fuse", "Strip"}
        if unknown or not kinds:
            found = ", ".join(sorted(unknown)) or "none"
            raise ValueError(
                f"tokenizer.json has the decoder {found}; expected ByteLevel, Metaspace, or Replace with ByteFallback. "
                "Convert the tokenizer, or use another model."
            )
        self._letters = "ByteLevel" in kinds
        self._fallback = "ByteFallback" in kinds
        self._replaced = [
            (part["pattern"].get("String", ""), part["content"]) for part in parts if part["type"] == "Replace"
        ]
        self._replaced += [(part.get("replacement", "▁"), " ") for part in parts if part["type"] == "Metaspace"]
        self.strips_first_space = any(
            (part["type"] == "Strip" and part.get("start", 0) > 0 and part.get("content") == " ")
            or (part["type"] == "Metaspace" and part.get("prepend_scheme", "always") != "never")
            for part in parts
        )
        """The decoder drops one space at the beginning of a text."""
        self.covers_bytes = self._letters or bool(model.get("byte_fallback"))
        """Every text is a sequence of tokens; no text becomes the unknown token."""

    def read(self, name: str) -> bytes:
        """The bytes of a token of the model; added tokens are not handled here."""
        if self._letters:
            try:
                return bytes(_LETTERS[letter] for letter in name)
            except KeyError:
                return name.encode()
        if self._fallback and (found := _BYTE.fullmatch(name)):
            return bytes([int(found[1], 16)])
        for old, new in self._replaced:
            if old:
                name = name.replace(old, new)
        return name.encode()


def _flat(decoder: dict[str, Any] | None) -> list[dict[str, Any]]:
    if decoder is None:
        return []
    if decoder["type"] == "Sequence":
        return [part for inner in decoder["decoders"] for part in _flat(inner)]
    return [decoder]
