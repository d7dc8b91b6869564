"""The task `embed`: one unit vector per text, computed by an engine's encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from xim_worker import Context, EmbedInput, EmbedResult, Info, InvalidInput, Item, StartError

from .encoder import Encoder, Floats
from .pooling import to_unit
from .text_vectors import TextVectors


class EmbedHandler:
    """A BatchHandler; the data of an item are its token ids.

    `load` calls `open_encoder`, which raises StartError.
    """

    parallel = 1
    """The value of the encoder; set by `load`."""

    def __init__(self, open_encoder: Callable[[Context], Encoder]) -> None:
        self._open_encoder = open_encoder

    def load(self, context: Context) -> Info:
        shape = context.model["shape"]
        self._dimensions = int(shape["dimensions"])
        self._truncatable = bool(shape.get("truncatable", False))
        self._vectors = TextVectors(context, self._open_encoder)
        self.parallel = self._vectors.parallel
        if self._vectors.dimensions != self._dimensions:
            raise StartError(
                f"the model gives {self._vectors.dimensions} dimensions, models.json says {self._dimensions}",
                permanent=True,
            )
        return self._vectors.info(context, self._dimensions)

    def prepare(self, request: EmbedInput) -> Iterator[Item]:
        self._check_dimensions(request.get("dimensions"))
        items, prompt = request["items"], request.get("prompt")
        text = self._vectors.model.prompt_text(prompt)
        if prompt is not None and any("tokens" in item for item in items):
            raise InvalidInput(
                "A prompt is put before a text, and an item of this request is a list of tokens. Give it as text, or "
                "put the prompt's tokens before it and leave the prompt out.",
                "prompt",
                "XIM_UNSUPPORTED_PARAMETER",
            )
        for tokens in self._vectors.tokens.read(items, text, request.get("truncate")):
            yield Item(len(tokens), tokens)

    def run(self, items: Sequence[Item]) -> list[Floats]:
        return self._vectors.run(items)

    def finish(self, request: EmbedInput, items: Sequence[Item], results: Sequence[Floats]) -> EmbedResult:
        dimensions = request.get("dimensions") or self._dimensions
        vectors = np.stack(results)
        if dimensions < self._dimensions:
            vectors = to_unit(vectors[:, :dimensions])
        return {
            "type": "result",
            "vectors": vectors.astype("<f4", copy=False).tobytes(),
            "dimensions": dimensions,
            "inputTokens": sum(item.size for item in items),
        }

    def _check_dimensions(self, wanted: Any) -> None:
        if wanted is None or (type(wanted) is int and wanted == self._dimensions):
            return
        if type(wanted) is not int or not 1 <= wanted <= self._dimensions:
            raise InvalidInput(
                f"dimensions is {wanted!r}; expected a whole number from 1 to {self._dimensions}, the model's own.",
                "dimensions",
            )
        if not self._truncatable:
            raise InvalidInput(
                f"This model's vectors cannot be shortened; leave dimensions out or ask for {self._dimensions}.",
                "dimensions",
                "XIM_UNSUPPORTED_PARAMETER",
            )
