"""The seam between the embedding runtime and an engine: an encoder computes hidden states, nothing else."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
import numpy.typing as npt
from xim_worker import Runtime

Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Encoder(Protocol):
    """Computes batches for one model. Knows nothing of requests, text, pooling or HTTP.

    `forward` is called from `parallel` threads at once. When an engine hands its encoder over, every copy of the model
    has run once, so that what cannot run has failed with a StartError.
    """

    @property
    def parallel(self) -> int:
        """How many batches may run at once."""
        ...

    def forward(self, ids: Int64s, mask: Int64s) -> AbstractContextManager[Floats]:
        """The hidden states `[rows, tokens, elements]` of `ids` `[rows, tokens]`, valid until the block ends.

        `mask` is 1 for a token and 0 for padding, which is on the right; every row has at least one token. An encoder
        whose model pools by itself gives `[rows, elements]`, and its profile names the pooling `none`.
        """
        ...

    def describe(self) -> tuple[Runtime, str]:
        """The runtime and the dtype of the computation, read back after a first batch."""
        ...


class PairEncoder(Protocol):
    """Computes batches of pairs for one cross-encoder; otherwise as `Encoder`."""

    @property
    def parallel(self) -> int: ...

    def forward(self, ids: Int64s, mask: Int64s, segments: Int64s) -> AbstractContextManager[Floats]:
        """The logits `[rows, labels]` of `ids` `[rows, tokens]`, valid until the block ends.

        `segments` is 0 for the tokens of the query and 1 for those of the document where the model tells them apart.
        """
        ...

    def describe(self) -> tuple[Runtime, str]: ...
