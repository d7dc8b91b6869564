"""What the rows of drafts cost on this CPU, measured on the steps that run: kernels differ by a factor of five."""

from __future__ import annotations

_FIRST = 0.17
"""Before the first measurement: the time of a further row over that of a step without drafts."""
_WEIGHT = 0.1
"""Weight of a new measurement in the moving average."""
_MARGIN = 1.15
"""Drafts have to gain this much more than they cost: the accepted share and the times are only estimates."""


class DraftCost:
    """Moving averages of the time of a step, for each number of sequences that decode together."""

    def __init__(self) -> None:
        self._plain: dict[int, float] = {}  # sequences → seconds of a step without drafts
        self._row: dict[int, float] = {}  # sequences → time of a further row over that of a step without drafts

    def record(self, sequences: int, rows: int, seconds: float) -> None:
        """`rows` of a step in which `sequences` decode: one for each, and the rows of the drafts."""
        plain = self._plain.get(sequences)
        if rows == sequences:
            self._plain[sequences] = seconds if plain is None else _average(plain, seconds)
        elif plain:
            share = max(0.0, seconds / plain - 1) / (rows - sequences)
            self._row[sequences] = _average(self._row.get(sequences, _FIRST), share)

    def least_accepted(self, sequences: int) -> float:
        """The share of accepted tokens above which drafts gain time.

        A step without drafts gives a token for each sequence, so a row may cost `accepted share / sequences` of it.
        """
        return _MARGIN * self._row.get(sequences, _FIRST) * sequences


def _average(before: float, new: float) -> float:
    return (1 - _WEIGHT) * before + _WEIGHT * new
