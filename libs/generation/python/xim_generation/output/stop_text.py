"""Finds stop texts in a text that arrives in pieces."""

from __future__ import annotations

from collections.abc import Sequence


def first_stop(text: str, stops: Sequence[str]) -> tuple[int, str] | None:
    """The position of the first stop text, and the stop text."""
    found = [(at, stop) for at, stop in ((text.find(stop), stop) for stop in stops) if at >= 0]
    return min(found, key=lambda place: place[0]) if found else None


def overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a beginning of `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
