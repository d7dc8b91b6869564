"""Tests of output shapes over a vocabulary of single bytes: whether a text has the shape, and random texts of the
shape.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers
from xim_generation.chat.dialects import find_dialect
from xim_generation.chat.tokenizer import Tokenizer
from xim_generation.chat.tools import ToolUse, to_tool_use
from xim_generation.constrain import Constraint, Constraints, Matcher

HERMES = find_dialect("hermes")
# Rows of logits are longer than the vocabulary, as in many models.
_SURPLUS = 42


def byte_tokenizer(*marks: str, template: str | None = None) -> Tokenizer:
    """A token for each byte, then `<end>` and the marks as special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Backend(models.BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(["<end>", *marks])
    return Tokenizer(backend, template=template, ends=frozenset([256]), bos=None, eos="<end>")


TOKENIZER = byte_tokenizer()
CONSTRAINTS = Constraints(TOKENIZER, len(TOKENIZER) + _SURPLUS)


class Shape:
    def __init__(self, constraint: Constraint, tokenizer: Tokenizer = TOKENIZER) -> None:
        self._constraint = constraint
        self._tokenizer = tokenizer
        self._vocabulary = len(tokenizer) + _SURPLUS
        self._end = min(tokenizer.ends)

    def matches(self, text: str) -> bool:
        """Whether the constraint allows the text and an end after it."""
        matcher = self._constraint.start()
        for token in self._tokenizer.encode(text, special=False):
            if token not in self._allowed(matcher):
                return False
            matcher.accept(token)
        check = self._constraint.check
        return self._end in self._allowed(matcher) and (check is None or check(text))

    def random_text(self, chance: random.Random, longest: int = 400) -> str | None:
        """A random text that the constraint allowed; None if the text was cut or failed the check."""
        matcher = self._constraint.start()
        written = b""
        for _ in range(longest):
            allowed = self._allowed(matcher)
            if self._end in allowed and (len(allowed) == 1 or chance.random() < 0.3):
                text = written.decode()
                check = self._constraint.check
                return text if check is None or check(text) else None
            # Mostly ASCII and closing characters of JSON: a text of random bytes would not end.
            likely = [token for token in allowed if self._tokenizer.raw[token : token + 1] and token != self._end]
            closing = [token for token in likely if self._tokenizer.raw[token] in (b'"', b"]", b"}")]
            plain = [token for token in likely if self._tokenizer.raw[token].isascii()]
            token = chance.choice(closing if closing and chance.random() < 0.3 else plain or likely)
            written += self._tokenizer.raw[token]
            matcher.accept(token)
        return None

    def _allowed(self, matcher: Matcher) -> list[int]:
        mask = np.zeros((self._vocabulary + 31) // 32, np.uint32)
        matcher.fill(mask)
        bits = np.unpackbits(mask.view(np.uint8), bitorder="little")
        assert not bits[len(self._tokenizer) :].any(), "tokens that the tokenizer does not have"
        found: list[int] = np.flatnonzero(bits).tolist()
        excluded: list[int] = np.flatnonzero(bits[: self._vocabulary] == 0).tolist()
        if not matcher.finished:
            assert all(matcher.allows(token) for token in (*found[:2], *found[-2:]))
            assert not any(matcher.allows(token) for token in (*excluded[:2], *excluded[-2:]))
        return found


def format_shape(format_: dict[str, Any]) -> Shape:
    constraint = CONSTRAINTS.compile(format_, ToolUse([]), HERMES)
    assert constraint is not None
    return Shape(constraint)


def schema_shape(schema: Any) -> Shape:
    return format_shape({"type": "json-schema", "schema": schema})


def tools_shape(
    tools: list[dict[str, Any]], dialect: str = "hermes", tokenizer: Tokenizer = TOKENIZER, **choice: Any
) -> Shape:
    use = to_tool_use({"tools": tools, "toolChoice": {"mode": "required", **choice}})
    constraint = Constraints(tokenizer, len(tokenizer) + _SURPLUS).compile(None, use, find_dialect(dialect))
    assert constraint is not None
    return Shape(constraint, tokenizer)
