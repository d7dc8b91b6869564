"""The interface between the embedding runtime and an engine: an encoder only computes hidden states."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
import numpy.typing as npt
from xim_worker import Runtime

Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Encoder(Protocol):
    """Computes batches for one model. Requests, text, pooling and HTTP are outside this interface.

    The runtime calls `forward` from up to `parallel` threads at once. An engine runs every copy of the model once
    before it returns the encoder, so a model that cannot run fails at the start with a StartError.
    """

    @property
    def parallel(self) -> int:
        """Number of batches that may run at once."""
        ...

    @property
    def few_shapes(self) -> bool:
        """Whether a new shape of a batch takes long to prepare. A batch is then padded to one of few shapes, otherwise
        to its longest text.
        """
        ...

    def forward(self, ids: Int64s, mask: Int64s) -> AbstractContextManager[Floats]:
        """Computes the hidden states `[rows, tokens, elements]` of `ids` `[rows, tokens]`, valid until the block ends.

        `mask` `[rows, tokens]` is 1 for a token and 0 for padding, which is on the right; every row has at least one
        token. If the model pools by itself, the result is `[rows, elements]`, and the profile sets `pooling` to `none`.
        """
        ...

    def describe(self) -> tuple[Runtime, str]:
        """The runtime and the dtype of the computation, as reported by the runtime after the first batch."""
        ...


class PairEncoder(Protocol):
    """Computes batches of pairs for one cross-encoder. The rules of `Encoder` apply."""

    @property
    def parallel(self) -> int: ...

    @property
    def few_shapes(self) -> bool: ...

    def forward(self, ids: Int64s, mask: Int64s, segments: Int64s) -> AbstractContextManager[Floats]:
        """Computes the logits `[rows, labels]` of `ids` `[rows, tokens]`, valid until the block ends.

        `segments` `[rows, tokens]` is 0 for the query's tokens and 1 for the document's tokens, if the model
        distinguishes them.
        """
        ...

    def describe(self) -> tuple[Runtime, str]: ...
