"""Makes the arrays of a batch from its chunks."""

from __future__ import annotations

from collections.abc import Sequence as Items

import numpy as np

from ..runner import Batch
from .sequence import Chunk


def to_batch(chunks: Items[Chunk]) -> Batch:
    """One batch of all chunks. `chunks` is not empty."""
    sequences = [chunk.sequence for chunk in chunks]
    past = np.array([chunk.start for chunk in chunks], np.int32)
    counts = np.array([chunk.count for chunk in chunks], np.int32)
    begins = np.zeros(len(chunks) + 1, np.int32)
    np.cumsum(counts, out=begins[1:])
    block_begins = np.zeros(len(chunks) + 1, np.int32)
    np.cumsum([len(sequence.blocks) for sequence in sequences], out=block_begins[1:])
    total = int(begins[-1])
    tokens: list[int] = []
    if total == len(chunks):
        tokens = [chunk.sequence.tokens[chunk.start] for chunk in chunks]
        positions = past.astype(np.int64)
    else:
        for chunk in chunks:
            end = chunk.start + chunk.count - chunk.drafted
            tokens += chunk.sequence.tokens[chunk.start : end]
            tokens += chunk.sequence.draft[: chunk.drafted]
        positions = np.arange(total, dtype=np.int64) + np.repeat((past - begins[:-1]).astype(np.int64), counts)
    wanted = np.array([chunk.rows for chunk in chunks], np.int64)
    row_ends = np.cumsum(wanted)
    rows = np.arange(int(row_ends[-1]), dtype=np.int64) + np.repeat(begins[1:] - row_ends, wanted)
    return Batch(
        sequences=[sequence.number for sequence in sequences],
        tokens=np.array(tokens, np.int64),
        positions=positions,
        past=past,
        begins=begins,
        blocks=np.frombuffer(bytearray().join([sequence.blocks for sequence in sequences]), np.int32),
        block_begins=block_begins,
        rows=rows,
    )
