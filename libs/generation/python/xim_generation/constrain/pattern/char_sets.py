"""Sets of characters as sorted, disjoint ranges of code points, without surrogates."""

from __future__ import annotations

from collections.abc import Iterable

from .nodes import Chars

Ranges = tuple[tuple[int, int], ...]

_SURROGATES = (0xD800, 0xDFFF)
_LAST = 0x10FFFF


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    holes: list[tuple[int, int]] = []
    start = 0
    for low, high in union([*ranges, _SURROGATES]):
        if start < low:
            holes.append((start, low - 1))
        start = high + 1
    if start <= _LAST:
        holes.append((start, _LAST))
    return tuple(holes)


def chars(*parts: str | tuple[str, str]) -> Chars:
    """`chars("_", ("a", "z"))`: single characters (a text stands for each of its own) and ranges."""
    ranges: list[tuple[int, int]] = []
    for part in parts:
        if isinstance(part, str):
            ranges += [(ord(char), ord(char)) for char in part]
        else:
            ranges.append((ord(part[0]), ord(part[1])))
    return Chars(union(ranges))


ANY = Chars(complement(()))
