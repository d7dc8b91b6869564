"""The task `rerank`: the share of the query's tokens that the document has, as log-odds."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

from xim_worker import Context, Info, InvalidInput, Item, RerankInput, RerankResult, Truncation

from .start import Pace, describe, start
from .tokenizer import echo_tokenizer

_CERTAIN = 0.99
"""The greatest probability; the least is what it lacks of 1."""


class Rerank:
    """A BatchHandler. A step is one batch."""

    parallel = 1

    def load(self, context: Context) -> Info:
        self._faults = start(context)
        self._pace = Pace(context.options.get("rate", 0))
        self._tokenizer = echo_tokenizer()
        self._context_length: int = context.options.get("contextLength", 4096)
        return describe(context, context_length=self._context_length)

    def prepare(self, request: RerankInput) -> list[Item]:
        self._faults.call()
        queries, documents = request["queries"], request["documents"]
        if not documents or len(queries) not in (1, len(documents)):
            raise InvalidInput(
                f"There are {len(queries)} queries for {len(documents)} documents; expected at least one document, "
                "and one query for all or one for each.",
                "queries" if documents else "documents",
            )
        most = request.get("documentTokens")
        if most is not None and (type(most) is not int or most < 1):
            raise InvalidInput(f"documentTokens is {most!r}; expected a whole number from 1.", "documentTokens")
        # An echo's instruction stands before each query.
        given = request.get("instruction")
        before = [] if given is None else self._encode(given, "instruction")
        encoded = [before + self._encode(query, f"queries.{number}") for number, query in enumerate(queries)]
        items = []
        for number, document in enumerate(documents):
            query = encoded[number if len(encoded) > 1 else 0]
            tokens = self._encode(document, f"documents.{number}")[:most]
            items.append(self._to_item(query, tokens, request.get("truncate"), f"documents.{number}"))
        return items

    def run(self, items: Sequence[Item]) -> Sequence[Any]:
        self._pace.wait()
        self._faults.step(len(items))
        return [_log_odds(*item.data) for item in items]

    def finish(self, request: RerankInput, items: Sequence[Item], results: Sequence[Any]) -> RerankResult:
        return {
            "type": "result",
            "scores": struct.pack(f"<{len(results)}f", *results),
            "kind": "log-odds",
            "inputTokens": sum(item.size for item in items),
        }

    def _to_item(self, query: list[int], document: list[int], truncate: Truncation | None, place: str) -> Item:
        room = self._context_length if truncate is None else self._room(truncate)
        if len(query) + len(document) > room:
            if truncate is None or len(query) >= room:
                raise InvalidInput(
                    f"This model reads {room} tokens of a query and a document; these have "
                    f"{len(query) + len(document)}.",
                    place,
                    "XIM_CONTEXT_LENGTH_EXCEEDED",
                )
            rest = room - len(query)
            document = document[-rest:] if truncate.get("keep") == "end" else document[:rest]
        return Item(size=len(query) + len(document), data=(query, document))

    def _room(self, truncate: Truncation) -> int:
        return min(truncate.get("tokens", self._context_length), self._context_length)

    def _encode(self, text: str, place: str) -> list[int]:
        if not text:
            raise InvalidInput("A text is empty: leave it out or give it words.", place)
        try:
            return self._tokenizer.encode(text, special=False)
        except InvalidInput as error:
            raise InvalidInput(str(error), place) from None


def _log_odds(query: list[int], document: list[int]) -> float:
    wanted = set(query)
    share = min(max(len(wanted & set(document)) / len(wanted), 1 - _CERTAIN), _CERTAIN)
    return math.log(share / (1 - share))
