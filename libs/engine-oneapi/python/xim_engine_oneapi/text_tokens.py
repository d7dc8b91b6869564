"""The tokens of texts to embed, by the model's own tokenizer.json; never more than the model reads."""

from __future__ import annotations

from typing import Any

from tokenizers import Tokenizer
from xim_worker import InvalidInput


class TextTokens:
    def __init__(self, path: str, context_length: int) -> None:
        self._context_length = context_length
        self._tokenizer = Tokenizer.from_file(path)
        # The file may ask for both: padding belongs to the batch, and no text is cut in silence.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._vocabulary = self._tokenizer.get_vocab_size()
        bare = self._tokenizer.encode("a", add_special_tokens=False).ids
        whole = self._tokenizer.encode("a").ids
        at = whole.index(bare[0])
        self._before, self._after = whole[:at], whole[at + len(bare) :]

    def read(self, items: list[dict[str, Any]]) -> list[list[int]]:
        """A list of tokens per item, special tokens included; raises InvalidInput."""
        if not items:
            raise InvalidInput("There is nothing to embed; expected at least one text.", "items")
        for number, item in enumerate(items):
            if not (item["text"] if "text" in item else item["tokens"]):
                raise InvalidInput("A text to embed is empty; leave it out or give it words.", f"items.{number}")
        encoded = iter(self._tokenizer.encode_batch([item["text"] for item in items if "text" in item]))
        read = []
        for number, item in enumerate(items):
            place = f"items.{number}"
            tokens = next(encoded).ids if "text" in item else self._completed(item["tokens"], place)
            if len(tokens) > self._context_length:
                raise InvalidInput(
                    f"This model's maximum context length is {self._context_length} tokens. However, a text of your "
                    f"request has {len(tokens)} tokens. Shorten or split it.",
                    place,
                    "XIM_CONTEXT_LENGTH_EXCEEDED",
                )
            read.append(tokens)
        return read

    def _completed(self, tokens: list[int], place: str) -> list[int]:
        """The model's own tokens, with the special tokens that a text would get around it where they are missing."""
        if min(tokens) < 0 or max(tokens) >= self._vocabulary:
            raise InvalidInput(
                f"A token is outside the model's vocabulary; expected 0 to {self._vocabulary - 1}. Tokens must be this "
                "model's own, not those of another tokenizer.",
                place,
            )
        before = [] if tokens[: len(self._before)] == self._before else self._before
        after = [] if self._after and tokens[-len(self._after) :] == self._after else self._after
        return [*before, *tokens, *after]
