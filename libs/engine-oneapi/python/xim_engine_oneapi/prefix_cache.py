"""How much of a prompt the library takes from its prefix cache. It does not say, so this keeps the same books.

The library's are in openvino.genai's `continuous_batching/cache/block_manager.hpp`: blocks of 32 tokens, known by all
tokens up to their end; a prompt takes the known blocks it begins with, then at most one that is filled in part; its
last token is always computed. A block that no sequence holds keeps what it has until it is needed: first those that
were never taken again after the first round through the cache, then the one whose last taking is longest ago.

What is not certain counts as not cached: blocks of a prompt that is still being read, blocks of a sequence at work
that are filled in part. Nothing is done in a step.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from itertools import islice

from .kv_cache import BLOCK_TOKENS


class Held:
    """The blocks of one sequence. `generated` grows elsewhere."""

    def __init__(self, prompt: Sequence[int], generated: list[int]) -> None:
        self.cached = 0
        """Tokens of the prompt that were not computed again."""
        self.prompt = prompt
        self.generated = generated
        self.keys: list[int] = []
        """Of full blocks, from the prompt's beginning."""
        self.part: int | None = None
        """Of the block that was taken over, filled in part."""

    @property
    def blocks(self) -> int:
        return -(-(len(self.prompt) + len(self.generated)) // BLOCK_TOKENS)

    def tokens_of(self, block: int) -> tuple[int, ...]:
        start, end, size = block * BLOCK_TOKENS, (block + 1) * BLOCK_TOKENS, len(self.prompt)
        return (*self.prompt[start:end], *self.generated[max(0, start - size) : max(0, end - size)])


class PrefixCache:
    def __init__(self, blocks: int) -> None:
        self._blocks = blocks
        self._unused = blocks
        # Keys in the order of their last taking. Those of the first round go first.
        self._first: OrderedDict[int, None] = OrderedDict()
        self._later: OrderedDict[int, None] = OrderedDict()
        self._holders: Counter[int] = Counter()
        self._live: set[Held] = set()
        self._strangers = 0

    def admit(self, prompt: Sequence[int], generated: list[int]) -> Held:
        for each in self._live:
            if each.generated:
                self._register(each)
        self._make_room()
        held = Held(prompt, generated)
        before, at, size = 0, 0, len(prompt)
        while at < size:
            key = _to_key(before, prompt[at : at + BLOCK_TOKENS])
            end = min(at + BLOCK_TOKENS, size)
            if self._take(key):
                before, at = key, end
                if end % BLOCK_TOKENS == 0:
                    held.keys.append(key)
                else:
                    held.part = key
                continue
            for end in range(at + 1, min(at + BLOCK_TOKENS, size + 1)):
                key = _to_key(before, prompt[at:end])
                if self._take(key):
                    held.part, at = key, end
                    break
            break
        held.cached = min(at, size - 1)
        self._live.add(held)
        return held

    def release(self, held: Held) -> None:
        """The sequence is over, or was cancelled."""
        self._live.discard(held)
        if held.generated:
            self._register(held)
            rest = held.tokens_of(len(held.keys))[: _computed(held) - len(held.keys) * BLOCK_TOKENS]
            if rest:
                self._fill(held, rest)
        else:
            # How far its prompt was read is not known, but its blocks may have pushed out others.
            for _ in range(held.blocks - len(held.keys)):
                self._strangers -= 1
                self._hold(held, self._strangers)
        for key in [*held.keys, *([held.part] if held.part is not None else [])]:
            self._let_go(key)
        self._make_room()

    def _register(self, held: Held) -> None:
        """Makes known the full blocks that were computed since the last time."""
        for block in range(len(held.keys), _computed(held) // BLOCK_TOKENS):
            self._fill(held, held.tokens_of(block))

    def _fill(self, held: Held, tokens: Sequence[int]) -> None:
        key = _to_key(held.keys[-1] if held.keys else 0, tokens)
        part, held.part = held.part, None
        if part is None:
            self._hold(held, key)
            return
        # The library renames a block that it goes on filling, unless another sequence holds it too.
        self._let_go(part)
        if part in self._holders or key in self._first or key in self._later:
            self._hold(held, key)
            return
        self._first.pop(part, None)
        self._later.pop(part, None)
        held.keys.append(key)
        self._holders[key] += 1
        self._later[key] = None

    def _hold(self, held: Held, key: int) -> None:
        held.keys.append(key)
        self._holders[key] += 1
        if key in self._first or key in self._later:
            return
        if self._unused > 0:
            self._unused -= 1
            self._first[key] = None
        else:
            self._later[key] = None

    def _take(self, key: int) -> bool:
        known = key in self._first or key in self._later
        if known:
            self._first.pop(key, None)
            self._later.pop(key, None)
            self._later[key] = None
            self._holders[key] += 1
        return known

    def _let_go(self, key: int) -> None:
        self._holders[key] -= 1
        if self._holders[key] <= 0:
            del self._holders[key]

    def _make_room(self) -> None:
        unknown = sum(max(0, held.blocks - len(held.keys)) for held in self._live)
        excess = len(self._first) + len(self._later) + unknown - self._blocks
        for keys in (self._first, self._later):
            if excess <= 0:
                return
            gone = list(islice((key for key in keys if key not in self._holders), excess))
            for key in gone:
                del keys[key]
            excess -= len(gone)


def _computed(held: Held) -> int:
    """Tokens whose keys and values are in the cache: the last one that was drawn is not."""
    return len(held.prompt) + len(held.generated) - 1


def _to_key(before: int, tokens: Sequence[int]) -> int:
    # Never negative: those are strangers' keys.
    return hash((before, *tokens)) & (2**63 - 1)
