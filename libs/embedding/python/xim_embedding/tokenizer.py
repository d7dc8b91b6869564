"""Tokenises texts by the model's tokenizer, and keeps to the model's context length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tokenizers import Encoding, Tokenizer
from xim_worker import EmbedItem, InvalidInput, Truncation

# Texts per call of the tokenizer; other requests run between two calls.
_SLICE = 32
# Least value for the bytes of the longest token: a word outside the vocabulary is one token of any length.
_LONGEST_WORD = 256


class TextTokens:
    def __init__(self, tokenizer: Tokenizer, context_length: int) -> None:
        self._context_length = context_length
        self._tokenizer = tokenizer
        vocabulary = tokenizer.get_vocab()
        self._vocabulary = len(vocabulary)
        longest = max((len(token.encode("utf-8", "surrogatepass")) for token in vocabulary), default=1)
        self._most_bytes = context_length * max(longest, _LONGEST_WORD)
        bare = tokenizer.encode("a", add_special_tokens=False).ids
        whole = tokenizer.encode("a").ids
        at = whole.index(bare[0])
        self._before, self._after = whole[:at], whole[at + len(bare) :]

    def read(
        self,
        items: Sequence[EmbedItem],
        prompt: str = "",
        truncate: Truncation | None = None,
        *,
        most: int | None = None,
        name: str = "items",
    ) -> Iterator[list[int]]:
        """Yields the token ids of each item, special tokens included. Raises InvalidInput.

        It tokenises a few texts at a time. `prompt` is put before every text, not before items that are tokens. With
        `truncate`, an item that is too long is cut. `most` is the number of tokens of each text that are read, without
        prompt and special tokens. `name` is the place of the items in an error.
        """
        room = None if truncate is None else self._room(truncate, prompt)
        keep_end = truncate is not None and truncate.get("keep") == "end"
        if not items:
            raise InvalidInput("There is nothing to embed; expected at least one text.", name)
        for number, item in enumerate(items):
            self._check(item, f"{name}.{number}", room is not None or most is not None)
        for at in range(0, len(items), _SLICE):
            part = items[at : at + _SLICE]
            encoded = iter(self._tokenizer.encode_batch([prompt + item["text"] for item in part if "text" in item]))
            for number, item in enumerate(part, at):
                place = f"{name}.{number}"
                if "text" in item:
                    tokens = self._first(next(encoded), len(prompt), most)
                else:
                    tokens = self._completed(item["tokens"], place)
                if room is not None:
                    tokens = self._cut(tokens, room, keep_end)
                if len(tokens) > self._context_length:
                    raise self._too_long(f"{len(tokens)} tokens", place)
                yield tokens

    def _room(self, truncate: Truncation, prompt: str) -> int:
        """The most tokens of an item after it is cut."""
        tokens = truncate.get("tokens", self._context_length)
        least = len(self._before) + len(self._after) + 1
        if type(tokens) is not int or tokens < least:
            raise InvalidInput(
                f"A text is to be cut to {tokens!r} tokens; expected {least} or more, special tokens included.",
                "truncate.tokens",
            )
        if prompt and truncate.get("keep") == "end":
            raise InvalidInput(
                "The model's prompt stands before the text, so a text is cut at its end only.",
                "truncate.keep",
                "XIM_UNSUPPORTED_PARAMETER",
            )
        return min(tokens, self._context_length)

    def _first(self, encoded: Encoding, prompt: int, most: int | None) -> list[int]:
        """The tokens of a text with at most `most` of those that end after the `prompt` first characters."""
        tokens: list[int] = encoded.ids
        if most is None:
            return tokens
        end = len(tokens) - len(self._after)
        before = sum(stop <= prompt for _, stop in encoded.offsets[len(self._before) : end]) if prompt else 0
        return [*tokens[: min(end, len(self._before) + before + most)], *self._after]

    def _cut(self, tokens: list[int], room: int, keep_end: bool) -> list[int]:
        """Cuts tokens between the special tokens, which stay."""
        if len(tokens) <= room:
            return tokens
        inner = tokens[len(self._before) : len(tokens) - len(self._after)]
        rest = room - len(self._before) - len(self._after)
        return [*self._before, *(inner[-rest:] if keep_end else inner[:rest]), *self._after]

    def _check(self, item: EmbedItem, place: str, is_cut: bool) -> None:
        """Cheap checks, for every item before the first item is tokenised."""
        if not (item["text"] if "text" in item else item["tokens"]):
            raise InvalidInput("A text to embed is empty; leave it out or give it words.", place)
        if is_cut:
            return
        if "tokens" in item and len(item["tokens"]) > self._context_length:
            raise self._too_long(f"{len(item['tokens'])} tokens", place)
        if "text" in item and len(item["text"]) > self._most_bytes:
            raise self._too_long(f"{len(item['text'])} characters, more than that many tokens can have", place)

    def _too_long(self, size: str, place: str) -> InvalidInput:
        return InvalidInput(
            f"This model's maximum context length is {self._context_length} tokens. However, a text of your "
            f"request has {size}. Shorten or split it.",
            place,
            "XIM_CONTEXT_LENGTH_EXCEEDED",
        )

    def _completed(self, tokens: list[int], place: str) -> list[int]:
        """Adds the special tokens that are missing before or after the tokens of an item."""
        if min(tokens) < 0 or max(tokens) >= self._vocabulary:
            raise InvalidInput(
                f"A token is outside the model's vocabulary; expected 0 to {self._vocabulary - 1}. Tokens must be this "
                "model's own, not those of another tokenizer.",
                place,
            )
        before = [] if tokens[: len(self._before)] == self._before else self._before
        after = [] if self._after and tokens[-len(self._after) :] == self._after else self._after
        return [*before, *tokens, *after]
