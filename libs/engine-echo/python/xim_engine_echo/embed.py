"""The task `embed`: a vector that is a hash of the text, so that equal texts have equal vectors and others do not."""

from __future__ import annotations

import hashlib
import math
import struct
from array import array
from collections.abc import Sequence
from typing import Any

from xim_worker import Context, EmbedInput, EmbedItem, EmbedResult, Info, InvalidInput, Item, Truncation

from .start import Pace, describe, start
from .tokenizer import echo_tokenizer


class Embed:
    """A BatchHandler. A step is one batch."""

    parallel = 1

    def load(self, context: Context) -> Info:
        self._faults = start(context)
        self._pace = Pace(context.options.get("rate", 0))
        self._tokenizer = echo_tokenizer()
        self._dimensions: int = context.options.get("dimensions", 384)
        self._context_length: int = context.options.get("contextLength", 4096)
        return describe(context, context_length=self._context_length, dimensions=self._dimensions)

    def prepare(self, request: EmbedInput) -> list[Item]:
        self._faults.call()
        wanted = request.get("dimensions", self._dimensions)
        if type(wanted) is not int or not 1 <= wanted <= self._dimensions:
            raise InvalidInput(f"dimensions must be 1 to {self._dimensions}; it is {wanted!r}.", "dimensions")
        if request.get("prompt") is not None:
            raise InvalidInput(
                f'This model has no prompt "{request["prompt"]}"; it has: none.', "prompt", "XIM_UNSUPPORTED_PARAMETER"
            )
        if not request["items"]:
            raise InvalidInput("There is nothing to embed: give at least one text.", "items")
        truncate = request.get("truncate")
        return [
            self._to_item(item, f"items.{number}", wanted, truncate) for number, item in enumerate(request["items"])
        ]

    def run(self, items: Sequence[Item]) -> Sequence[Any]:
        self._pace.wait()
        self._faults.step(len(items))
        return [_unit_vector(*item.data) for item in items]

    def finish(self, request: EmbedInput, items: Sequence[Item], results: Sequence[Any]) -> EmbedResult:
        return {
            "type": "result",
            "vectors": b"".join(results),
            "dimensions": request.get("dimensions", self._dimensions),
            "inputTokens": sum(item.size for item in items),
        }

    def _to_item(self, item: EmbedItem, place: str, dimensions: int, truncate: Truncation | None) -> Item:
        tokens = self._checked(item["tokens"], place) if "tokens" in item else self._encode(item["text"], place)
        if not tokens:
            raise InvalidInput("A text to embed is empty: leave it out or give it words.", place)
        if truncate is not None:
            most = min(truncate.get("tokens", self._context_length), self._context_length)
            tokens = tokens[-most:] if truncate.get("keep") == "end" else tokens[:most]
        if len(tokens) > self._context_length:
            raise InvalidInput(
                f"This model reads {self._context_length} tokens of a text; this one has {len(tokens)}.",
                place,
                "XIM_CONTEXT_LENGTH_EXCEEDED",
            )
        return Item(size=len(tokens), data=(b"".join(self._tokenizer.to_bytes(tokens)), dimensions))

    def _encode(self, text: str, place: str) -> list[int]:
        try:
            return self._tokenizer.encode(text, special=False)
        except InvalidInput as error:
            raise InvalidInput(str(error), place) from None

    def _checked(self, tokens: list[int], place: str) -> list[int]:
        for token in tokens:
            if type(token) is not int or not 0 <= token < len(self._tokenizer):
                raise InvalidInput(f"{token!r} is not a token of this model.", place)
        return tokens


def _unit_vector(text: bytes, dimensions: int) -> bytes:
    """SHAKE-256 of the text read as 16-bit integers, the first so many, scaled to length 1; little-endian float32.

    SHAKE gives the same prefix whatever its length, so fewer dimensions are the beginning of more, renormalised.
    """
    integers = struct.unpack(f"<{dimensions}h", hashlib.shake_256(text).digest(2 * dimensions))
    length = math.sqrt(sum(value * value for value in integers)) or 1.0
    return array("f", [value / length for value in integers]).tobytes()
