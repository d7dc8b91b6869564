"""Whether a pattern of ECMA-262 matches in a text, in time that is linear in the text."""

from __future__ import annotations

import functools
from typing import Any

import llguidance

from .pattern import found_in, to_rust

_END = 256


class PatternTooComplex(Exception):
    """A pattern took more work than llguidance's limits allow."""


def matches(pattern: str, text: str) -> bool:
    """Raises PatternTooComplex. Python's `re` would backtrack, with some patterns without end."""
    matcher = _compiled(pattern).deep_copy()
    content = list(text.encode())
    taken = matcher.try_consume_tokens(content)
    if matcher.is_error():
        raise PatternTooComplex(pattern)
    return taken == len(content) and bool(matcher.is_accepting())


@functools.lru_cache(256)
def _compiled(pattern: str) -> llguidance.LLMatcher:
    grammar = llguidance.LLMatcher.grammar_from_regex(to_rust(found_in(pattern, "pattern")))
    return llguidance.LLMatcher(_bytes(), grammar, log_level=0)


@functools.lru_cache(1)
def _bytes() -> llguidance.LLTokenizer:
    return llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Bytes()), n_vocab=_END + 1, eos_token=_END)


class _Bytes:
    """A vocabulary of the 256 bytes and an end, in the form that llguidance expects."""

    def __init__(self) -> None:
        self.tokens = [*(bytes([value]) for value in range(_END)), b"\xff<end>"]
        self.special_token_ids = [_END]
        self.eos_token_id = _END
        self.bos_token_id = None

    def __call__(self, text: Any) -> list[int]:
        return list(text if isinstance(text, bytes) else text.encode())
