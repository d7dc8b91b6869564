"""An `OutputFormat` of `@xim/engine` as a grammar."""

from __future__ import annotations

from typing import Any

from xim_worker import InvalidInput

from .ebnf import to_ebnf
from .json_text import any_object
from .nodes import Node, Rules
from .regex import whole
from .schema import to_rules


def format_grammar(format: dict[str, Any]) -> str:
    """EBNF whose `root` matches what the format describes; raises InvalidInput with the place of what is refused."""
    rules = Rules()
    kind = format.get("type")
    root: Node
    if kind == "json":
        root, param = any_object(rules), "format"
    elif kind == "json-schema":
        param = "format.schema"
        root = to_rules(format.get("schema"), param, rules)
    elif kind == "regex":
        param = "format.pattern"
        root = whole(format.get("pattern"), param)
    else:
        raise InvalidInput("A format is of no known type; expected json, json-schema or regex.", "format.type")
    return to_ebnf(root, rules, param)
