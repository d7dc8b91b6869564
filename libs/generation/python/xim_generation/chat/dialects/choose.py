"""Which dialect a model writes, by its chat template's own text."""

from __future__ import annotations

from collections.abc import Container

from .dialect import Dialect
from .hermes import HERMES

DIALECTS = {dialect.name: dialect for dialect in (HERMES,)}


def choose_dialect(template: str, vocabulary: Container[str]) -> Dialect:
    """`vocabulary`: the texts of the tokenizer's added tokens. A template without tools gets them in Hermes' words."""
    return HERMES


def find_dialect(name: str) -> Dialect:
    """Raises ValueError."""
    if name not in DIALECTS:
        raise ValueError(f"{name!r} is no dialect; expected one of {', '.join(DIALECTS)}.")
    return DIALECTS[name]
