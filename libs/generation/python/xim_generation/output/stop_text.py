"""Stop texts in a text that comes in pieces."""

from __future__ import annotations

from collections.abc import Sequence


def first_stop(text: str, stops: Sequence[str]) -> tuple[int, str] | None:
    """Where the first stop text begins, and which it is."""
    found = [(at, stop) for at, stop in ((text.find(stop), stop) for stop in stops) if at >= 0]
    return min(found, key=lambda place: place[0]) if found else None


def overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
