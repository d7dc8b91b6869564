"""Drafts out of the text itself: what followed the last words before is likely to follow them again.

Source: prompt lookup decoding (Saxena 2023). The model verifies a draft in one step; a token that it would not have
chosen ends the draft, so the distribution is that without drafts.
"""

from __future__ import annotations

from itertools import cycle, islice

_LONGEST, _SHORTEST = 3, 2
"""Tokens that have to occur before: the longest match is tried first."""
MOST = 8
"""Tokens of the longest draft."""
_MOST_INDEXED = 2048
"""Tokens of a long prompt that one step indexes: about a millisecond, which other sequences wait for."""
_FIRST_PAUSE, _LAST_PAUSE = 8, 256
"""Steps without a draft after too many wrong ones: twice as many each time, until drafts are good again."""
_MEMORY = 0.7
"""Weight of the former drafts in the share that is expected of the next one."""


class PromptLookup:
    """Drafts for one sequence. Their length follows what the model accepts, so bad drafts soon cost nothing."""

    def __init__(self, tokens: list[int]) -> None:
        """`tokens`: the sequence's own list, prompt and output; it grows."""
        self._tokens = tokens
        self._ends: dict[tuple[int, ...], int] = {}  # of a group of tokens, the place behind it
        self._indexed = 0
        self._length = 2
        self._share = 1.0
        self._pause = _FIRST_PAUSE
        self._skipped = 0

    def propose(self, most: int, least: float) -> list[int]:
        """At most `most` tokens that may follow; empty where nothing is likely.

        `least`: the share of drafted tokens that has to be accepted, else drafts cost more than they gain.
        """
        if self._skipped > 0:
            self._skipped -= 1
            return []
        if self._share < least:
            # One draft after the pause shows whether it is worth going on.
            self._share = least
            self._skipped, self._pause = self._pause, min(self._pause * 2, _LAST_PAUSE)
            return []
        tokens = self._tokens
        # The last tokens themselves are not in the index: they would be found at their own place.
        start = max(self._indexed, _SHORTEST)
        self._indexed = min(len(tokens), start + _MOST_INDEXED)
        for end in range(start, self._indexed):
            for size in range(_SHORTEST, _LONGEST + 1):
                self._ends[tuple(tokens[max(0, end - size) : end])] = end
        if self._indexed < len(tokens):
            return []
        for size in range(_LONGEST, _SHORTEST - 1, -1):
            place = self._ends.get(tuple(tokens[-size:]))
            if place is not None:
                # A match that reaches the end repeats itself.
                return list(islice(cycle(tokens[place:]), min(self._length, most)))
        return []

    def judge(self, drafted: int, accepted: int) -> None:
        """The model took `accepted` of `drafted` proposed tokens."""
        self._share = _MEMORY * self._share + (1 - _MEMORY) * accepted / drafted
        if accepted == drafted:
            self._length = min(self._length * 2, MOST)
            self._pause = _FIRST_PAUSE
        else:
            self._length = max(2, accepted)
