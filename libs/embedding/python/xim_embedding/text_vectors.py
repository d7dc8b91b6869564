"""A model for embeddings: tokens of texts in, unit vectors out, computed by an engine's encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from xim_worker import Context, Info, Item, StartError

from .batch_shape import to_batch
from .encoder import Encoder, Floats
from .sentence_model import read_sentence_model
from .tokenizer import TextTokens
from .tokenizer_file import open_tokenizer


class TextVectors:
    """The part that the tasks `embed` and `rerank` share. The data of an item are the token ids of a text.

    Raises StartError, also that of `open_encoder`. The profile's option `pooling` overrides the model's files; the
    default is `mean`.
    """

    def __init__(self, context: Context, open_encoder: Callable[[Context], Encoder]) -> None:
        most, folder = int(context.model["shape"]["contextLength"]), Path(context.model_path)
        context.progress("reading the tokenizer", None)
        self.model = read_sentence_model(folder, context.options)
        self._most_tokens = min(most, self.model.context_length or most)
        self.tokens = TextTokens(open_tokenizer(folder), self._most_tokens)
        self._encoder = open_encoder(context)
        self.parallel = self._encoder.parallel
        """Number of batches that may run at once."""
        self.dimensions = self._prove()

    def run(self, items: Sequence[Item]) -> list[Floats]:
        """The unit vector `[dimensions]` of each item, computed as one batch."""
        ids, mask = to_batch([item.data for item in items], self._most_tokens, few_shapes=self._encoder.few_shapes)
        with self._encoder.forward(ids, mask) as hidden:
            return list(self.model.to_vectors(hidden, mask)[: len(items)])

    def info(self, context: Context, dimensions: int | None = None) -> Info:
        runtime, dtype = self._encoder.describe()
        return Info(
            runtime=runtime,
            models=[context.model["id"]],
            dtype=dtype,
            slots=context.plan.slots,
            context_length=self._most_tokens,
            dimensions=dimensions,
        )

    def _prove(self) -> int:
        """Runs one inference, so that a model that cannot run fails at the start and not in the first call."""
        try:
            (vector,) = self.run([Item(len(tokens), tokens) for tokens in self.tokens.read([{"text": "ready"}])])
        except ValueError as error:
            raise StartError(f"the model's files do not fit together: {error}", permanent=True) from error
        if not np.isfinite(vector).all():
            raise StartError("the model gives a vector whose numbers are not all finite", permanent=True)
        return len(vector)
