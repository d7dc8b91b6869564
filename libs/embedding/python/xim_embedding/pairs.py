"""Tokenises a query with a document by the model's tokenizer, and keeps to the model's context length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from tokenizers import Encoding, Tokenizer
from xim_worker import InvalidInput, RerankInput, Truncation

# Documents per call of the tokenizer; other requests run between two calls.
_SLICE = 32
# Least value for the characters of the longest token: a word outside the vocabulary is one token of any length.
_LONGEST_WORD = 256


class Pair(NamedTuple):
    """Token ids of a query and a document, special tokens included, and the segment number of each token."""

    tokens: list[int]
    segments: list[int]


class Halves(NamedTuple):
    """A query and a document before they are joined."""

    query_size: int
    """Tokens before the document, those of `PairTokens.special` excluded."""
    document: Encoding
    """May be truncated before `join`."""
    join: Callable[[], Pair]


class PairTokens:
    """Pairs, joined by the tokenizer's post-processor: `[CLS] query [SEP] document [SEP]` for BERT."""

    takes_instruction = False
    """Whether the model's prompt has a place for the instruction of a request."""

    def __init__(self, tokenizer: Tokenizer, context_length: int) -> None:
        self._tokenizer = tokenizer
        self._context_length = context_length
        longest = max((len(token) for token in tokenizer.get_vocab()), default=1)
        self._most_characters = context_length * max(longest, _LONGEST_WORD)
        self.special = self._count_special()
        """Tokens of every pair that belong neither to the query nor to the document."""

    def read(self, request: RerankInput) -> Iterator[Pair]:
        """Yields the pair of each document, and tokenises a few documents at a time. Raises InvalidInput."""
        queries, documents = request["queries"], request["documents"]
        check_lists(queries, documents)
        instruction = check_instruction(request.get("instruction"), self.takes_instruction)
        for number, query in enumerate(queries):
            # A query and an instruction are never cut.
            if (size := len(query) + len(instruction or "")) > self._most_characters:
                raise self._too_long(f"a query of {size} characters", f"queries.{number}")
        room = self._room(request.get("truncate"))
        keep_end = (request.get("truncate") or {}).get("keep") == "end"
        most = check_count(request.get("documentTokens"), "documentTokens")
        is_cut = most is not None or room is not None
        if not is_cut:
            for number, document in enumerate(documents):
                if len(document) > self._most_characters:
                    raise self._too_long(f"a document of {len(document)} characters", f"documents.{number}")
        for at in range(0, len(documents), _SLICE):
            part = [self._cut_text(text, keep_end) if is_cut else text for text in documents[at : at + _SLICE]]
            asked = queries * len(part) if len(queries) == 1 else queries[at : at + _SLICE]
            for number, halves in enumerate(self._encode_halves(asked, part, instruction), at):
                if most is not None and len(halves.document) > most:
                    halves.document.truncate(most)
                yield self._fitting(halves, room, keep_end, f"documents.{number}")

    def _fitting(self, halves: Halves, room: int | None, keep_end: bool, place: str) -> Pair:
        query, document = halves.query_size, len(halves.document)
        if query + document + self.special > (self._context_length if room is None else room):
            rest = (room or 0) - query - self.special
            if room is None or rest < 1:
                raise self._too_long(f"a query of {query} and a document of {document} tokens", place, room)
            halves.document.truncate(rest, direction="left" if keep_end else "right")
        return halves.join()

    def _count_special(self) -> int:
        empty = self._encode([""])[0]
        return len(self._join(empty, empty).tokens)

    def _encode_halves(
        self, queries: Sequence[str], documents: Sequence[str], instruction: str | None
    ) -> Iterator[Halves]:
        different = list(dict.fromkeys(queries))
        encoded = dict(zip(different, self._encode(different), strict=True))
        for query, document in zip(queries, self._encode(documents), strict=True):
            yield Halves(len(encoded[query]), document, partial(self._join, encoded[query], document))

    def _join(self, query: Encoding, document: Encoding) -> Pair:
        joined = self._tokenizer.post_process(query, document)
        return Pair(joined.ids, joined.type_ids)

    def _encode(self, texts: Sequence[str]) -> list[Encoding]:
        encoded: list[Encoding] = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        return encoded

    def _cut_text(self, text: str, keep_end: bool) -> str:
        """Cuts a text to the most characters that the remaining tokens can have."""
        return text[-self._most_characters :] if keep_end else text[: self._most_characters]

    def _room(self, truncate: Truncation | None) -> int | None:
        if truncate is None:
            return None
        tokens = check_count(truncate.get("tokens"), "truncate.tokens")
        return min(tokens or self._context_length, self._context_length)

    def _too_long(self, found: str, place: str, room: int | None = None) -> InvalidInput:
        return InvalidInput(
            f"A query and a document may have {room or self._context_length} tokens here, special tokens included. "
            f"However, your request has {found}. Shorten or split the document.",
            place,
            "XIM_CONTEXT_LENGTH_EXCEEDED",
        )


def check_lists(queries: list[str], documents: list[str]) -> None:
    """Raises InvalidInput unless there is one query, or one for each document, and no text is empty."""
    if not documents:
        raise InvalidInput("There is nothing to rank; expected at least one document.", "documents")
    if len(queries) not in (1, len(documents)):
        raise InvalidInput(
            f"There are {len(queries)} queries for {len(documents)} documents; expected one, or one for each.",
            "queries",
        )
    for name, texts in (("queries", queries), ("documents", documents)):
        for number, text in enumerate(texts):
            if not text:
                raise InvalidInput("A text is empty; leave it out or give it words.", f"{name}.{number}")


def check_instruction(instruction: str | None, is_taken: bool) -> str | None:
    """Raises InvalidInput for an instruction that is empty, or for any where the model takes none."""
    if instruction is None:
        return None
    if not is_taken:
        raise InvalidInput(
            "This model's prompt has no place for an instruction: leave instruction out.",
            "instruction",
            "XIM_UNSUPPORTED_PARAMETER",
        )
    if not instruction:
        raise InvalidInput("The instruction is empty; leave it out or give it words.", "instruction")
    return instruction


def check_count(count: int | None, name: str) -> int | None:
    """Returns a number of tokens. Raises InvalidInput unless it is absent or at least 1."""
    if count is None or (type(count) is int and count >= 1):
        return count
    raise InvalidInput(f"{name} is {count!r}; expected a whole number from 1.", name)
