"""Grammars from clients: the Lark dialect of llguidance, or GBNF, the grammars of llama.cpp.

Sources: guidance-ai/llguidance, docs/syntax.md; ggml-org/llama.cpp, grammars/README.md.
"""

from __future__ import annotations

from typing import Any

import llguidance
from llguidance.gbnf_to_lark import any_to_lark
from xim_worker import InvalidInput

_MOST_CHARACTERS = 100_000
"""Longer GBNF grammars take seconds to convert."""


def to_lark(grammar: Any, param: str) -> str:
    """A grammar for llguidance. Raises InvalidInput for a text that is in neither dialect."""
    if not isinstance(grammar, str) or not grammar.strip():
        raise InvalidInput("The grammar is empty; expected GBNF, or the Lark dialect of llguidance.", param)
    if len(grammar) > _MOST_CHARACTERS:
        raise InvalidInput(f"A grammar has at most {_MOST_CHARACTERS} characters here; shorten it.", param)
    try:
        read: str = llguidance.LLMatcher.grammar_from_lark(any_to_lark(grammar))
        return read
    except Exception as error:  # the converter has errors of several kinds
        reason = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        message = f"The grammar is in neither GBNF nor the Lark dialect of llguidance: {reason}"
        raise InvalidInput(message, param) from None
