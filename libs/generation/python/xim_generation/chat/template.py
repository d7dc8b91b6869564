"""Chat templates: Jinja programs that write a conversation as a text, run with the rules of `transformers`.

Source of the environment's settings and functions: transformers, utils/chat_template_utils.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from xim_worker import InvalidInput


class _Generation(Extension):  # type: ignore[misc]
    """Accepts `{% generation %}…{% endgeneration %}`, which marks text for training: its body is written unchanged."""

    tags = {"generation"}  # noqa: RUF012 jinja2 declares it so

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller: Any) -> str:
        written: str = caller()
        return written


def _raise(message: str) -> None:
    raise jinja2.exceptions.TemplateError(message)


def _to_json(
    value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
) -> str:
    """Jinja's own filter escapes `<`, `>`, `&` and `'` for HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _now(form: str) -> str:
    return datetime.now().strftime(form)


_environment = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
)
_environment.filters["tojson"] = _to_json
_environment.globals["raise_exception"] = _raise
_environment.globals["strftime_now"] = _now


class ChatTemplate:
    """A compiled template. Raises ValueError for a text that is not a template."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._template = _environment.from_string(text)
        except jinja2.exceptions.TemplateError as error:
            raise ValueError(f"The model's chat template is not a valid Jinja template: {error}") from None

    def render(self, variables: Mapping[str, Any], longest: int | None) -> str:
        """`longest`: bytes at which the result cannot fit the context any more; rendering stops soon after them.

        Raises InvalidInput with the template's own message if the template refuses the conversation.
        """
        parts: list[str] = []
        size = 0
        try:
            for part in self._template.generate(**variables):
                parts.append(part)
                size += len(part)
                if longest is not None and size > longest:
                    break
        except (
            jinja2.exceptions.TemplateError,
            TypeError,
            ValueError,
            ArithmeticError,
            LookupError,
            AttributeError,
            RecursionError,
        ) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
            message = f"The model's chat template refuses this conversation: {reason}"
            raise InvalidInput(message, "prompt.messages") from None
        return "".join(parts)
