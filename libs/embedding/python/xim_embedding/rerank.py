"""The task `rerank`: by a cross-encoder or by a model for embeddings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from xim_worker import Context, Info, Item, RerankInput, RerankResult, StartError

from .cross_encoder import CrossEncoder
from .encoder import Encoder, PairEncoder
from .similarity import Similarity

_CLASSIFIER = "ForSequenceClassification"


class RerankHandler:
    """A BatchHandler that passes each call to the handler of the model's scoring; `load` chooses it."""

    parallel = 1
    """The value of the encoder; set by `load`."""

    def __init__(
        self, open_pair_encoder: Callable[[Context], PairEncoder], open_encoder: Callable[[Context], Encoder]
    ) -> None:
        self._scorings: dict[str, Callable[[], CrossEncoder | Similarity]] = {
            "cross-encoder": lambda: CrossEncoder(open_pair_encoder),
            "similarity": lambda: Similarity(open_encoder),
        }

    def load(self, context: Context) -> Info:
        """Loads the model. Raises StartError."""
        scoring = context.options.get("scoring") or read_scoring(Path(context.model_path))
        if scoring not in self._scorings:
            raise StartError(f'scoring is "{scoring}"; known are {", ".join(self._scorings)}', permanent=True)
        self._handler = self._scorings[scoring]()
        info = self._handler.load(context)
        self.parallel = self._handler.parallel
        return info

    def prepare(self, request: RerankInput) -> Iterator[Item]:
        return self._handler.prepare(request)

    def run(self, items: Sequence[Item]) -> Sequence[Any]:
        return self._handler.run(items)

    def finish(self, request: RerankInput, items: Sequence[Item], results: Sequence[Any]) -> RerankResult:
        return self._handler.finish(request, items, results)


def read_scoring(folder: Path) -> str:
    """The scoring by the `architectures` of config.json: a sequence classification is a cross-encoder.

    A folder that names no architecture is a cross-encoder too.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf8")) if path.is_file() else {}
        names = [str(name) for name in config.get("architectures") or []]
    except (ValueError, AttributeError, TypeError) as error:
        raise StartError(f"config.json cannot be read: {error}", permanent=True) from error
    is_pair = not names or any(name.endswith(_CLASSIFIER) for name in names)
    return "cross-encoder" if is_pair else "similarity"
