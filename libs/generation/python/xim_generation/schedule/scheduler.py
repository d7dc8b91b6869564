"""Chooses the tokens, of which sequences, that the next batch computes."""

from __future__ import annotations

from collections import Counter

from xim_worker import Turn

from ..runner import Batch, RunnerLimits
from .blocks import Blocks
from .sequence import Chunk, Sequence
from .to_batch import to_batch
from .waiting import Waiting

_RESERVED = 16
"""One of so many slots is reserved for requests without a running sequence."""


class Scheduler:
    """Plans batches for one runner. Deterministic, and used by one thread.

    Clients take turns to start a sequence, and so do the requests of a client. A request that runs a sequence starts no
    other in a reserved slot (one in sixteen; with fewer slots there is none), so a request of many sequences does not
    hold all slots.

    A step: `plan`, the runner's forward pass over `to_batch`, sampling, appending the sampled tokens to their
    sequences, `commit`, `finish` for every sequence that has ended. A sequence may be finished between any two of
    these.
    """

    def __init__(self, limits: RunnerLimits, slots: int, prefix_cache: bool = True) -> None:
        self.preemptions = 0
        self._limits = limits
        self._slots = slots
        self._shared_slots = slots - slots // _RESERVED
        self._blocks = Blocks(limits.blocks, limits.block_tokens, prefix_cache) if limits.block_tokens else None
        self._running: dict[Sequence, None] = {}  # the oldest first
        self._requests: Counter[Turn] = Counter()  # running sequences of each request
        self._waiting = Waiting()
        self._step = 0
        self._prompts_next = True

    @property
    def busy(self) -> bool:
        return bool(self._running) or len(self._waiting) > 0

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def blocks_used(self) -> int:
        """Number of blocks that sequences use. Cached blocks without a user do not count."""
        return self._blocks.used if self._blocks else 0

    def add(self, sequence: Sequence) -> None:
        """Adds a sequence that waits for a slot. The handler has refused sequences that exceed the cache alone."""
        assert sequence.tokens, "a sequence has at least one token"
        assert self._blocks is None or self._blocks.needed(len(sequence.tokens)) <= self._limits.blocks, "it cannot fit"
        self._waiting.add(sequence)

    def finish(self, sequence: Sequence) -> None:
        """Ends a sequence in any state; a repeated call has no effect."""
        if sequence.over:
            return
        sequence.over = True
        if sequence in self._running:
            self._stop(sequence)
        else:
            self._waiting.remove(sequence)

    def plan(self) -> list[Chunk]:
        """The chunks of the next batch. Empty only if there is no sequence."""
        self._step += 1
        self._admit()
        chunks: dict[Sequence, Chunk] = {}
        # A round without a chunk has preempted a sequence, so the loop ends.
        while self._running and not chunks:
            self._plan_round(chunks)
        return list(chunks.values())

    def to_batch(self, chunks: list[Chunk]) -> Batch:
        return to_batch(chunks)

    def commit(self, chunks: list[Chunk]) -> None:
        """Records that the chunks are computed, after the sampled tokens were appended to their sequences.

        Of a draft, the tokens that equal `tokens` at the same positions stay.
        """
        for chunk in chunks:
            sequence = chunk.sequence
            if sequence.over:
                continue
            end = chunk.start + chunk.count - chunk.drafted
            # The last token is always computed in its own step, since its logits are needed.
            for token in sequence.draft[: min(chunk.drafted, len(sequence.tokens) - 1 - end)] if chunk.drafted else ():
                if sequence.tokens[end] != token:
                    break
                end += 1
            sequence.computed = end
            sequence.scored = max(sequence.scored, end)
            if sequence.draft:
                sequence.draft = []
            if self._blocks:
                self._blocks.register(sequence)

    def _plan_round(self, chunks: dict[Sequence, Chunk]) -> None:
        decodes: list[Sequence] = []
        prompts: list[Sequence] = []
        for sequence in self._running:
            (decodes if self._decodes(sequence) else prompts).append(sequence)
        if self._limits.mixed:
            left = self._plan_decodes(decodes, chunks)
            self._plan_prompts(prompts, chunks, left)
            return
        if prompts and (self._prompts_next or not decodes):
            self._plan_prompts(prompts, chunks, self._limits.batch_tokens)
        self._prompts_next = not chunks
        if not chunks:
            self._plan_decodes(decodes, chunks)

    def _admit(self) -> None:
        """Starts waiting sequences while slots and blocks are free. A start never preempts a sequence."""
        while len(self._waiting) and len(self._running) < self._slots:
            sequence = self._waiting.first(self._may_start)
            if sequence is None:
                return
            if self._blocks:
                self._blocks.match(sequence)
                # The blocks that running prompts still need are reserved; otherwise these sequences would soon be
                # preempted.
                wanted = sum(self._missing(each) for each in self._running) + self._missing(sequence)
                if self._running and wanted > self._blocks.available:
                    self._blocks.release(sequence)
                    sequence.computed = 0
                    return
            if sequence.cached < 0:
                sequence.cached = min(sequence.computed, sequence.prompt)
            self._waiting.start(sequence)
            self._running[sequence] = None
            self._requests[sequence.turn] += 1

    def _may_start(self, request: Turn) -> bool:
        return len(self._running) < self._shared_slots or request not in self._requests

    def _stop(self, sequence: Sequence) -> None:
        """Frees the slot and the blocks of a running sequence."""
        del self._running[sequence]
        self._requests[sequence.turn] -= 1
        if not self._requests[sequence.turn]:
            del self._requests[sequence.turn]
        if self._blocks:
            self._blocks.release(sequence)

    def _missing(self, sequence: Sequence) -> int:
        assert self._blocks
        return max(0, self._blocks.needed(len(sequence.tokens)) - len(sequence.blocks))

    def _plan_decodes(self, decodes: list[Sequence], chunks: dict[Sequence, Chunk]) -> int:
        """Returns the remaining tokens of the batch."""
        left = self._limits.batch_tokens
        if len(decodes) > left:
            longest = set(sorted(decodes, key=lambda sequence: sequence.served)[:left])
            decodes = [sequence for sequence in decodes if sequence in longest]
        spare = left - len(decodes)
        size = self._limits.block_tokens
        for sequence in decodes:
            length = sequence.computed + 1
            if size and length > len(sequence.blocks) * size and not self._room(sequence, length, chunks):
                continue
            drafted = 0
            if sequence.draft and self._limits.mixed:
                drafted = max(0, min(len(sequence.draft), spare, self._limits.context_length - length))
                if self._blocks and not self._blocks.grow(sequence, length + drafted):
                    drafted = 0
                spare -= drafted
            chunks[sequence] = Chunk(sequence, length - 1, 1 + drafted, 1 + drafted, drafted)
            sequence.served = self._step
        return self._limits.batch_tokens - sum(chunk.count for chunk in chunks.values())

    def _plan_prompts(self, prompts: list[Sequence], chunks: dict[Sequence, Chunk], left: int) -> None:
        """Half of the batch for the oldest prompt, so that a long prompt makes progress; the other half for the
        shortest first.
        """
        if not prompts or left <= 0:
            return
        if self._limits.whole_prompts:
            self._plan_whole_prompts(prompts, chunks, left)
            return
        counts = dict.fromkeys(prompts, 0)
        for sequence, most in (
            (prompts[0], max(1, left // 2)),
            *((each, left) for each in sorted(prompts, key=_remaining)),
        ):
            more = min(most, left, _remaining(sequence) - counts[sequence])
            counts[sequence] += more
            left -= more
        for sequence, wanted in counts.items():
            if not wanted or sequence not in self._running:
                continue
            start, count = sequence.computed, wanted
            if self._blocks:
                if not self._room(sequence, start + 1, chunks):
                    continue
                room = (len(sequence.blocks) + self._blocks.available) * self._limits.block_tokens
                count = min(count, room - start)
                self._blocks.grow(sequence, start + count)
            first = len(sequence.tokens) - 1
            if sequence.wants_prompt_rows:
                first = min(first, sequence.scored)
            chunks[sequence] = Chunk(sequence, start, count, max(0, start + count - max(start, first)))
            sequence.served = self._step

    def _plan_whole_prompts(self, prompts: list[Sequence], chunks: dict[Sequence, Chunk], left: int) -> None:
        """The oldest prompt whatever its length, and the shortest others that the batch has room for."""
        for sequence in (prompts[0], *sorted(prompts[1:], key=_remaining)):
            count = 1 if sequence.wants_prompt_rows else _remaining(sequence)
            if chunks and count > left:
                return
            chunks[sequence] = Chunk(sequence, sequence.computed, count, 1)
            sequence.served = self._step
            left -= count

    def _decodes(self, sequence: Sequence) -> bool:
        """Whether the next chunk of the sequence is a single token behind others."""
        if self._limits.whole_prompts and sequence.wants_prompt_rows:
            return sequence.computed > 0
        length = len(sequence.tokens)
        return sequence.computed == length - 1 and length > sequence.prompt

    def _room(self, sequence: Sequence, tokens: int, chunks: dict[Sequence, Chunk]) -> bool:
        """Makes room for this number of tokens by preempting younger sequences. False if the sequence has to wait."""
        if sequence not in self._running:
            return False  # preempted earlier in this plan
        assert self._blocks
        while not self._blocks.grow(sequence, tokens):
            youngest = next(reversed(self._running))
            if youngest is sequence:
                assert len(self._running) > 1, "a sequence exceeds the whole cache: the handler must refuse it"
            self._preempt(youngest)
            chunks.pop(youngest, None)
            if youngest is sequence:
                return False
        return True

    def _preempt(self, sequence: Sequence) -> None:
        self._stop(sequence)
        sequence.computed = 0
        self._waiting.add(sequence, front=True)
        self.preemptions += 1


def _remaining(sequence: Sequence) -> int:
    return len(sequence.tokens) - sequence.computed
