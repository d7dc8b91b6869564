"""The task `embed`: one unit vector per text, computed by an engine's encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from xim_worker import Context, EmbedInput, EmbedResult, Info, InvalidInput, Item, StartError

from .batch_shape import to_batch
from .encoder import Encoder, Floats
from .pooling import to_unit
from .sentence_model import read_sentence_model
from .tokenizer import TextTokens
from .tokenizer_file import open_tokenizer


class EmbedHandler:
    """A BatchHandler; the data of an item are its token ids.

    `load` calls `open_encoder`, which raises StartError. The profile's option `pooling` overrides the model's files;
    the default is `mean`.
    """

    parallel = 1
    """The value of the encoder; set by `load`."""

    def __init__(self, open_encoder: Callable[[Context], Encoder]) -> None:
        self._open_encoder = open_encoder

    def load(self, context: Context) -> Info:
        shape, folder = context.model["shape"], Path(context.model_path)
        self._dimensions = int(shape["dimensions"])
        self._truncatable = bool(shape.get("truncatable", False))
        context.progress("reading the tokenizer", None)
        self._model = read_sentence_model(folder, context.options)
        self._most_tokens = min(int(shape["contextLength"]), self._model.context_length or int(shape["contextLength"]))
        self._tokens = TextTokens(open_tokenizer(folder), self._most_tokens)
        self._encoder = self._open_encoder(context)
        self.parallel = self._encoder.parallel
        self._prove()
        runtime, dtype = self._encoder.describe()
        return Info(
            runtime=runtime,
            models=[context.model["id"]],
            dtype=dtype,
            slots=context.plan.slots,
            context_length=self._most_tokens,
            dimensions=self._dimensions,
        )

    def prepare(self, request: EmbedInput) -> Iterator[Item]:
        self._check_dimensions(request.get("dimensions"))
        items, prompt = request["items"], request.get("prompt")
        text = self._model.prompt_text(prompt)
        if prompt is not None and any("tokens" in item for item in items):
            raise InvalidInput(
                "A prompt is put before a text, and an item of this request is a list of tokens. Give it as text, or "
                "put the prompt's tokens before it and leave the prompt out.",
                "prompt",
                "XIM_UNSUPPORTED_PARAMETER",
            )
        for tokens in self._tokens.read(items, text, request.get("truncate")):
            yield Item(len(tokens), tokens)

    def run(self, items: Sequence[Item]) -> list[Floats]:
        ids, mask = to_batch([item.data for item in items], self._most_tokens)
        with self._encoder.forward(ids, mask) as hidden:
            return list(self._model.to_vectors(hidden, mask)[: len(items)])

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

    def _prove(self) -> None:
        """Runs one inference, so that a model that cannot run fails at the start and not in the first call."""
        try:
            (vector,) = self.run(list(self.prepare({"items": [{"text": "ready"}]})))
        except ValueError as error:
            raise StartError(f"the model's files do not fit together: {error}", permanent=True) from error
        if len(vector) != self._dimensions or not np.isfinite(vector).all():
            raise StartError(
                f"the model gives {len(vector)} dimensions (all finite: {bool(np.isfinite(vector).all())}), "
                f"models.json says {self._dimensions}",
                permanent=True,
            )
