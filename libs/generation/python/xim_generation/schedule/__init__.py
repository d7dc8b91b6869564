"""Which tokens the next batch computes, and which blocks of the key-value cache hold them."""

from .scheduler import Scheduler
from .sequence import Chunk, Sequence

__all__ = ["Chunk", "Scheduler", "Sequence"]
