"""A sequence of tokens in the scheduler, and a part of it in one batch."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from xim_worker import Turn


class Sequence:
    """One choice of a call. The handler appends sampled tokens to `tokens` and sets `draft`; the scheduler sets the
    others.
    """

    __slots__ = (
        "after",
        "blocks",
        "cached",
        "computed",
        "draft",
        "number",
        "over",
        "prompt",
        "registered",
        "scored",
        "served",
        "tokens",
        "turn",
        "wants_prompt_rows",
    )

    number: int
    turn: Turn
    """Waiting sequences of different clients and requests take turns."""
    tokens: list[int]
    """Prompt and output."""
    prompt: int
    """Tokens of the prompt."""
    computed: int
    """Tokens whose keys and values are in the cache."""
    blocks: array[int]
    """Blocks of the cache, 32-bit numbers in the order of the tokens."""
    cached: int
    """Prompt tokens that came from the prefix cache at the first admission. -1 before the admission."""
    wants_prompt_rows: bool
    """Logits of every prompt token are needed. Such a sequence takes no blocks from the prefix cache."""
    after: Sequence | None
    """The first choice of the same prompt: this sequence starts after that choice has computed the prompt or has
    ended.
    """
    draft: list[int]
    """Proposed tokens behind `tokens`. `commit` empties it."""
    over: bool
    registered: int
    """Leading blocks that the prefix cache knows."""
    scored: int
    """Positions whose logits were returned, for `wants_prompt_rows`."""
    served: int
    """The step that last planned a token of this sequence."""

    def __init__(
        self,
        number: int,
        turn: Turn,
        tokens: list[int],
        *,
        wants_prompt_rows: bool = False,
        after: Sequence | None = None,
    ) -> None:
        self.number, self.turn, self.tokens, self.prompt = number, turn, tokens, len(tokens)
        self.wants_prompt_rows, self.after = wants_prompt_rows, after
        self.computed, self.cached, self.blocks, self.draft = 0, -1, array("i"), []
        self.over, self.registered, self.scored, self.served = False, 0, 0, 0


@dataclass(eq=False)
class Chunk:
    """The tokens `start` up to `start + count` of `tokens + draft` of a sequence, for one batch."""

    sequence: Sequence
    start: int
    count: int
    rows: int
    """Number of last positions whose logits are needed."""
    drafted: int = 0
    """Number of last tokens that belong to the draft. Less than the whole draft if the batch has no room."""
