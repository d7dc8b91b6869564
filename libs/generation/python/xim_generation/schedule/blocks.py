"""The blocks of the key-value cache, shared between sequences with the same prefix."""

from __future__ import annotations

from .sequence import Sequence


class Blocks:
    """Free, used and cached blocks.

    The prefix cache is a trie of full blocks. A key is the serial of the parent block and the block's own tokens, so a
    match is exact. A sequence that uses a block uses its parents too and releases them after the block. So the order of
    release is also the order of eviction: the end of a prefix is evicted before its beginning.
    """

    def __init__(self, count: int, block_tokens: int, prefix_cache: bool) -> None:
        self.block_tokens = block_tokens
        self._prefix_cache = prefix_cache
        self._free = list(range(count - 1, -1, -1))
        self._count = count
        self._users = [0] * count
        self._serials = [0] * count
        self._keys: list[tuple[int, tuple[int, ...]] | None] = [None] * count
        self._known: dict[tuple[int, tuple[int, ...]], int] = {}
        self._unused: dict[int, None] = {}  # cached, without users, in the order of release
        self._last_serial = 0

    @property
    def available(self) -> int:
        """Number of blocks that a sequence could take: free blocks, and cached blocks without a user."""
        return len(self._free) + len(self._unused)

    @property
    def used(self) -> int:
        return self._count - self.available

    @property
    def cached(self) -> int:
        """Number of blocks in the prefix cache, used or not."""
        return len(self._known)

    def users(self, block: int) -> int:
        return self._users[block]

    def needed(self, tokens: int) -> int:
        """Number of blocks for this number of tokens."""
        return -(-tokens // self.block_tokens)

    def grow(self, sequence: Sequence, tokens: int) -> bool:
        """Takes blocks until the sequence has room for this number of tokens. If blocks are missing: takes none,
        returns False.
        """
        missing = self.needed(tokens) - len(sequence.blocks)
        if missing > self.available:
            return False
        for _ in range(missing):
            block = self._take()
            self._users[block] = 1
            sequence.blocks.append(block)
        return True

    def match(self, sequence: Sequence) -> None:
        """Gives the cached blocks of its prefix to a sequence without blocks. At least one token remains to be
        computed.
        """
        if not self._prefix_cache or sequence.wants_prompt_rows:
            return
        size, serial = self.block_tokens, 0
        for begin in range(0, (len(sequence.tokens) - 1) // size * size, size):
            block = self._known.get((serial, tuple(sequence.tokens[begin : begin + size])))
            if block is None:
                break
            self._use(block)
            sequence.blocks.append(block)
            serial = self._serials[block]
        sequence.registered = len(sequence.blocks)
        sequence.computed = sequence.registered * size

    def register(self, sequence: Sequence) -> None:
        """Registers the full blocks of a sequence in the prefix cache. A registered block replaces its copy."""
        size = self.block_tokens
        if not self._prefix_cache or sequence.computed < (sequence.registered + 1) * size:
            return
        for index in range(sequence.registered, sequence.computed // size):
            parent = self._serials[sequence.blocks[index - 1]] if index else 0
            key = (parent, tuple(sequence.tokens[index * size : (index + 1) * size]))
            block, known = sequence.blocks[index], self._known.get(key)
            if known is None:
                self._last_serial += 1
                self._serials[block], self._keys[block], self._known[key] = self._last_serial, key, block
            else:
                self._use(known)
                sequence.blocks[index] = known
                self._users[block] = 0
                self._free.append(block)
        sequence.registered = sequence.computed // size

    def release(self, sequence: Sequence) -> None:
        """Releases all blocks of a sequence, the last block first."""
        for block in reversed(sequence.blocks):
            self._users[block] -= 1
            if self._users[block] == 0:
                if self._keys[block] is None:
                    self._free.append(block)
                else:
                    self._unused[block] = None
        del sequence.blocks[:]
        sequence.registered = 0

    def _use(self, block: int) -> None:
        if self._users[block] == 0:
            del self._unused[block]
        self._users[block] += 1

    def _take(self) -> int:
        if self._free:
            return self._free.pop()
        block = next(iter(self._unused))
        del self._unused[block]
        key = self._keys[block]
        assert key is not None
        del self._known[key]
        self._keys[block] = None
        return block
