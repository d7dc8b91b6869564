"""How probable a token was."""

from __future__ import annotations

from typing import NamedTuple


class TokenScore(NamedTuple):
    """Natural logarithms of probabilities, before sampling changed anything."""

    token: int
    logprob: float
    top: list[tuple[int, float]]
    """The most probable tokens and their log probabilities, best first."""
