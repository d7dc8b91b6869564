"""Chooses the tokens of the next batch, and the blocks of the key-value cache that hold them."""

from .scheduler import Scheduler
from .sequence import Chunk, Sequence

__all__ = ["Chunk", "Scheduler", "Sequence"]
