"""Calls as consecutive JSON objects: Llama 3, Granite and Mistral."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ...output.object_calls import ObjectCalls
from ...output.tool_calls import new_id
from .dialect import CallForm, Dialect

_THOUGHT = ("<think>", "</think>")
_TOOL_CALL = "<|tool_call|>"
_TAG, _TOOL_CALLS, _ARGS = "<|python_tag|>", "[TOOL_CALLS]", "[ARGS]"
_SHORT = re.compile(r"[A-Za-z0-9]{9}")


def _read_llama(single: bool, required: bool, _: Mapping[str, Any]) -> ObjectCalls:
    return ObjectCalls(single, required, mark=_TAG, bare=True)


def _read_mistral(single: bool, required: bool, _: Mapping[str, Any]) -> ObjectCalls:
    return ObjectCalls(single, required, mark=_TOOL_CALLS, bare=False, to_id=lambda: new_id(9, ""))


def _read_granite(single: bool, required: bool, _: Mapping[str, Any]) -> ObjectCalls:
    return ObjectCalls(single, required, mark=_TOOL_CALL, bare=False)


def to_short_id(identifier: str) -> str:
    """Mistral's templates accept only ids of nine letters and digits; an id is always converted to the same short
    id.
    """
    return identifier if _SHORT.fullmatch(identifier) else hashlib.sha256(identifier.encode()).hexdigest()[:9]


LLAMA3 = Dialect(
    name="llama3",
    marks=frozenset([_TAG, *_THOUGHT]),
    # The Llama template refuses a turn with several calls.
    form=CallForm(begin='{"name": "', middle='", "parameters": ', end="}", separator="; ", parallel=False),
    calls=_read_llama,
)
"""Llama 3.1 and later: the output is one JSON object, or a text and then an object after `<|python_tag|>`."""

_MISTRAL_MARKS = frozenset([_TOOL_CALLS, _ARGS, "[CALL_ID]", *_THOUGHT, "[THINK]", "[/THINK]"])

MISTRAL = Dialect(
    name="mistral",
    marks=_MISTRAL_MARKS,
    form=CallForm(
        first=f"{_TOOL_CALLS}[", begin='{"name": "', middle='", "arguments": ', end="}", separator=", ", last="]"
    ),
    calls=_read_mistral,
    to_id=to_short_id,
)
"""Mistral up to 2024: a list of JSON objects."""

MISTRAL_ARGS = Dialect(
    name="mistral-args",
    marks=_MISTRAL_MARKS,
    form=CallForm(begin=_TOOL_CALLS, middle=_ARGS, end="", separator=""),
    calls=_read_mistral,
    to_id=to_short_id,
)
"""Mistral since 2025: a mark, a name and arguments per call."""

GRANITE = Dialect(
    name="granite",
    marks=frozenset([_TOOL_CALL, *_THOUGHT]),
    form=CallForm(
        first=f"{_TOOL_CALL}[", begin='{"name": "', middle='", "arguments": ', end="}", separator=", ", last="]"
    ),
    calls=_read_granite,
)
"""Granite 3: a list of JSON objects after one mark."""
