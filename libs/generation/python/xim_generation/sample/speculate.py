"""Drafts from the text itself: after the last tokens, the text of their earlier occurrence is likely to follow again.

Source: prompt lookup decoding (Saxena 2023). The model verifies a draft in one step; a token that the model would not
have chosen ends the draft, so the distribution is the same as without drafts.
"""

from __future__ import annotations

from itertools import cycle, islice

_LONGEST, _SHORTEST = 3, 2
"""Lengths of the match with earlier text: the longest match is tried first."""
MOST = 8
"""Tokens of the longest draft."""
_MOST_INDEXED = 2048
"""Tokens of a long prompt that one step indexes: about a millisecond, during which other sequences wait."""
_FIRST_PAUSE, _LAST_PAUSE = 8, 256
"""Steps without a draft after too many wrong drafts: doubled each time, until drafts are good again."""
_MEMORY = 0.7
"""Weight of former drafts in the expected share of accepted tokens."""


class PromptLookup:
    """Drafts for one sequence. Their length follows the number of accepted tokens, so bad drafts soon cost nothing."""

    def __init__(self, tokens: list[int]) -> None:
        """`tokens`: the sequence's own list of prompt and output, which grows."""
        self._tokens = tokens
        self._ends: dict[tuple[int, ...], int] = {}  # group of tokens → the index after it
        self._indexed = 0
        self._length = 2
        self._share = 1.0
        self._pause = _FIRST_PAUSE
        self._skipped = 0

    def propose(self, most: int, least: float) -> list[int]:
        """At most `most` tokens that may follow; empty if no continuation is likely.

        `least`: the required share of accepted tokens; below it drafts cost more time than they save.
        """
        if self._skipped > 0:
            self._skipped -= 1
            return []
        if self._share < least:
            # One draft after the pause tests whether drafts are useful again.
            self._share = least
            self._skipped, self._pause = self._pause, min(self._pause * 2, _LAST_PAUSE)
            return []
        tokens = self._tokens
        # The last tokens are not indexed yet: the search would find them at their own position.
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
                # A match that reaches the end of the text is repeated.
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
