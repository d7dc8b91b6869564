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
_FIRST_SHARE = 0.7
"""Expected share of accepted tokens of a new sequence."""
_MEMORY = 0.7
"""Weight of former drafts in the expected share of accepted tokens."""


class PromptLookup:
    """Drafts for one sequence. Their length follows the number of accepted tokens.

    Where drafts would cost more than they gain, they are not computed but compared with the tokens that follow, so bad
    drafts cost nothing, and good drafts are found again.
    """

    def __init__(self, tokens: list[int]) -> None:
        """`tokens`: the sequence's own list of prompt and output, which grows."""
        self._tokens = tokens
        self._ends: dict[tuple[int, ...], int] = {}  # group of tokens → the index after it
        self._indexed = 0
        self._length = 2
        self._share = _FIRST_SHARE
        self._watched: list[int] = []
        self._watched_from = 0

    def propose(self, most: int, least: float) -> list[int]:
        """At most `most` tokens that may follow; empty if no continuation is likely.

        `least`: the required share of accepted tokens; below it drafts cost more time than they save.
        """
        if not self._index():
            return []
        self._judge_watched()
        if self._share < least:
            if not self._watched:
                self._watched, self._watched_from = self._find(min(self._length, most)), len(self._tokens)
            return []
        self._watched = []
        return self._find(min(self._length, most))

    def judge(self, drafted: int, accepted: int) -> None:
        """The model took `accepted` of `drafted` proposed tokens."""
        self._share = _MEMORY * self._share + (1 - _MEMORY) * accepted / drafted
        self._length = min(self._length * 2, MOST) if accepted == drafted else max(2, accepted)

    def _index(self) -> bool:
        """Whether all tokens but the last are indexed: the search would find the last at their own position."""
        tokens = self._tokens
        start = max(self._indexed, _SHORTEST)
        self._indexed = min(len(tokens), start + _MOST_INDEXED)
        for end in range(start, self._indexed):
            for size in range(_SHORTEST, _LONGEST + 1):
                self._ends[tuple(tokens[max(0, end - size) : end])] = end
        return self._indexed == len(tokens)

    def _find(self, length: int) -> list[int]:
        tokens = self._tokens
        for size in range(_LONGEST, _SHORTEST - 1, -1):
            place = self._ends.get(tuple(tokens[-size:]))
            if place is not None:
                # A match that reaches the end of the text is repeated.
                return list(islice(cycle(tokens[place:]), length))
        return []

    def _judge_watched(self) -> None:
        """Judges the watched draft once all of its tokens, or one other than its own, have followed."""
        draft = self._watched
        if not draft:
            return
        followed = self._tokens[self._watched_from : self._watched_from + len(draft)]
        right = next((at for at, token in enumerate(followed) if token != draft[at]), len(followed))
        if right < len(followed) or len(followed) == len(draft):
            self._watched = []
            self.judge(len(draft), right)
