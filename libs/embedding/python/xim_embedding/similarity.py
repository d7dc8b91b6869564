"""The scores of a model for embeddings: the cosine of the vectors of query and document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from xim_worker import Context, EmbedItem, Info, Item, RerankInput, RerankResult

from .encoder import Encoder, Floats
from .pairs import check_count, check_instruction, check_lists
from .text_vectors import TextVectors


class Similarity:
    """A BatchHandler. The items of a call are its different queries, then its documents.

    A query has the model's prompt for queries, and a document that for documents.
    """

    parallel = 1
    """The value of the encoder; set by `load`."""

    def __init__(self, open_encoder: Callable[[Context], Encoder]) -> None:
        self._open_encoder = open_encoder

    def load(self, context: Context) -> Info:
        self._vectors = TextVectors(context, self._open_encoder)
        self.parallel = self._vectors.parallel
        return self._vectors.info(context)

    def prepare(self, request: RerankInput) -> Iterator[Item]:
        queries, documents = request["queries"], request["documents"]
        check_lists(queries, documents)
        check_instruction(request.get("instruction"), is_taken=False)
        most = check_count(request.get("documentTokens"), "documentTokens")
        model, tokens = self._vectors.model, self._vectors.tokens
        seen: set[str] = set()
        read = tokens.read(_items(queries), model.role_prompt("query"), name="queries")
        for text, query in zip(queries, read, strict=True):
            if text not in seen:
                seen.add(text)
                yield Item(len(query), query)
        prompt, truncate = model.role_prompt("document"), request.get("truncate")
        for document in tokens.read(_items(documents), prompt, truncate, most=most, name="documents"):
            yield Item(len(document), document)

    def run(self, items: Sequence[Item]) -> list[Floats]:
        return self._vectors.run(items)

    def finish(self, request: RerankInput, items: Sequence[Item], results: Sequence[Floats]) -> RerankResult:
        row = {query: number for number, query in enumerate(dict.fromkeys(request["queries"]))}
        vectors = np.stack(results)
        queries = vectors[[row[query] for query in request["queries"]]]
        cosines = (queries * vectors[len(row) :]).sum(1)
        return {
            "type": "result",
            "scores": np.clip(cosines, -1, 1).astype("<f4").tobytes(),
            "kind": "cosine",
            "inputTokens": sum(item.size for item in items),
        }


def _items(texts: Sequence[str]) -> list[EmbedItem]:
    return [{"text": text} for text in texts]
