"""A model's tokenizer: texts to tokens, the bytes of each token, and the names of its special tokens."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import tokenizers
from xim_worker import InvalidInput, StartError

from .dialects import choose_dialect
from .template_files import read_files
from .token_bytes import TokenBytes


class Tokenizer:
    """Immutable except for `keep_marks`; may be used by several threads.

    `template`: the chat template, `tool_template`: another template for conversations with tools. `names`: the texts of
    special tokens by their names in templates (`bos_token`, …). `prefix`: tokens before a raw text; None leaves them to
    the tokenizer's own post-processor.
    """

    pieces: list[bytes]
    """Per token, its bytes in a text. Empty for a special token that is not a mark of the model's dialect."""
    raw: list[bytes]
    """Per token, its bytes; for a special token the bytes of its name."""
    specials: frozenset[int]

    def __init__(
        self,
        backend: tokenizers.Tokenizer,
        *,
        template: str | None,
        ends: frozenset[int],
        bos: str | None,
        eos: str | None,
        prefix: Sequence[int] | None = None,
        tool_template: str | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Raises ValueError for a decoder whose tokens have no fixed bytes."""
        described = json.loads(backend.to_str())
        token_bytes = TokenBytes(described["decoder"], described["model"])
        backend.no_padding()
        backend.no_truncation()
        self._backend = backend
        self.template = template
        self.tool_template = tool_template or template
        self.ends = ends
        known = {"bos_token": bos, "eos_token": eos}
        self.names: dict[str, str] = {**(names or {}), **{name: text for name, text in known.items() if text}}
        self._prefix = None if prefix is None else list(prefix)
        self.strips_first_space = token_bytes.strips_first_space
        added = backend.get_added_tokens_decoder()
        vocabulary = backend.get_vocab(with_added_tokens=True)
        self.raw = [b""] * (max(vocabulary.values()) + 1)
        for name, token in vocabulary.items():
            self.raw[token] = name.encode() if token in added else token_bytes.read(name)
        self.specials = frozenset(token for token, entry in added.items() if entry.special)
        self.added: dict[str, int] = {entry.content: token for token, entry in added.items()}
        """All tokens that are matched in a text before it is split into words, by their text."""
        self.pieces = [b"" if token in self.specials else piece for token, piece in enumerate(self.raw)]
        self._longest = max(map(len, self.raw)) if token_bytes.covers_bytes else None
        # Only digits: no filter of a template changes them; random, so that no client can guess them.
        self.gap = "".join(secrets.choice("0123456789") for _ in range(40))
        """A text that becomes no token itself, but ends the token before it; see `encode_parts`."""
        backend.add_special_tokens([tokenizers.AddedToken(self.gap, special=True, normalized=False)])
        self._gap_token = backend.token_to_id(self.gap)
        self.keep_marks(choose_dialect(template or "", self.added).marks)

    @classmethod
    def from_folder(cls, folder: Path) -> Tokenizer:
        """Reads tokenizer.json and, if they exist, the files beside it (see `read_files`).

        Raises FileNotFoundError without tokenizer.json, ValueError for an unusable tokenizer.json.
        """
        text = (folder / "tokenizer.json").read_text("utf-8")
        try:
            backend = tokenizers.Tokenizer.from_str(text)
        except Exception as error:  # the library raises nothing narrower
            raise ValueError(f"tokenizer.json: {error}") from error
        files = read_files(folder)
        ends = {token for token in map(backend.token_to_id, files.end_names) if token is not None}
        return cls(
            backend,
            template=files.template,
            tool_template=files.tool_template,
            ends=frozenset(ends | files.ends),
            bos=files.names.get("bos_token"),
            eos=files.names.get("eos_token"),
            names=files.names,
        )

    def __len__(self) -> int:
        return len(self.raw)

    def keep_marks(self, marks: Iterable[str]) -> None:
        """Special tokens that the output's parser needs keep their text; called before the first output."""
        for mark in marks:
            token = self.added.get(mark)
            if token is not None and token not in self.ends:
                self.pieces[token] = mark.encode()

    def encode(self, text: str, *, special: bool) -> list[int]:
        """`special`: adds the tokens that the model expects around a raw text. Raises InvalidInput."""
        if not text:
            return list(self._prefix or ()) if special else []
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidInput("The prompt holds half a character (a lone surrogate).", "prompt") from None
        ours = special and self._prefix is not None
        # The library's call for one text holds Python's global lock until it returns; its call for several texts does
        # not.
        (encoding,) = self._backend.encode_batch([text], add_special_tokens=special and not ours)
        tokens: list[int] = [token for token in encoding.ids if token != self._gap_token]
        return [*(self._prefix or ()), *tokens] if ours else tokens

    def to_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        """The bytes of each token of a whole text, special ones by name."""
        parts = [self.raw[token] for token in tokens]
        if self.strips_first_space:
            first = next((at for at, token in enumerate(tokens) if token not in self.specials), None)
            if first is not None:
                parts[first] = parts[first].removeprefix(b" ")
        return parts

    def to_text(self, tokens: Sequence[int]) -> str:
        """A whole text, with special tokens by name. An incomplete character becomes U+FFFD."""
        return b"".join(self.to_bytes(tokens)).decode("utf-8", "replace")

    def longest_text(self, context_length: int) -> int | None:
        """Bytes of the longest text that may fit `context_length` tokens; None if there is no limit."""
        return None if self._longest is None else context_length * self._longest

    def guard(self, text: str, marks: re.Pattern[str] | None) -> str:
        """`text` with a gap inside every match of `marks`, so that the marks become ordinary tokens."""
        if marks is None or not marks.search(text):
            return text
        text = text.replace(self.gap, "")
        # A mark may begin inside another: each gets a gap of its own.
        return marks.sub(lambda found: found[0] + self.gap, text)


def open_tokenizer(folder: Path, need: str) -> Tokenizer:
    """`Tokenizer.from_folder` for a start. Raises StartError, permanent; `need` says why the file has to be there."""
    try:
        return Tokenizer.from_folder(folder)
    except FileNotFoundError as error:
        raise StartError(f"{error.filename} is missing: {need}", permanent=True) from None
    except ValueError as error:
        raise StartError(f"the tokenizer in {folder} cannot be used: {error}", permanent=True) from error
