"""What a caller asks of an output's shape, as a grammar that holds it exactly: JSON Schemas, patterns, calls of tools.

Nothing of a caller's text reaches the engine's library but as escaped characters, so no caller can break a grammar.
What cannot be held to exactly is refused, with the keyword's place. Standard library only.
"""

from .output import format_grammar
from .tools import tool_grammar, tool_parts

__all__ = ["format_grammar", "tool_grammar", "tool_parts"]
