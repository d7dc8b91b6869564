"""Enforces the shape of an output token by token with llguidance: masks over the vocabulary."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import llguidance
import numpy as np
import numpy.typing as npt
from xim_worker import InvalidInput

from ..chat.dialects import Dialect
from ..chat.tokenizer import Tokenizer
from ..chat.tools import ToolUse
from .deep_stack import run_deep
from .grammar_text import to_lark
from .output_check import OutputCheck
from .pattern import to_rust, whole
from .schema import PlainSchema
from .tool_grammar import ToolGrammar, to_options

Words = npt.NDArray[np.uint32]

# Clients use few schemas, each for many calls.
_KEPT = 256
_MOST_CHARACTERS = 1_000_000
_KEPT_CHARACTERS = 8_000_000


def _limits() -> llguidance.LLParserLimits:
    """Limits on the work of a grammar: about 40 ms to parse it, 15 ms at most for a mask."""
    return llguidance.LLParserLimits(
        initial_lexer_fuel=2_000_000,
        step_lexer_fuel=200_000,
        step_max_items=10_000,
        max_lexer_states=100_000,
        max_grammar_size=200_000,
        verbose_errors=False,
    )


class Matcher:
    """The position of one output in its grammar."""

    def __init__(self, matcher: llguidance.LLMatcher, param: str) -> None:
        self._matcher = matcher
        self._param = param

    @property
    def finished(self) -> bool:
        """Only the end may follow."""
        return bool(self._matcher.is_stopped())

    def fill(self, mask: Words) -> None:
        """Sets the bits of the tokens that may follow: token t is bit t % 32 of `mask[t // 32]`."""
        self._matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
        self._raise()

    def allows(self, token: int) -> bool:
        """Whether `token` may follow an output that is not `finished`: the bit that `fill` sets, in less time."""
        allowed = bool(self._matcher.validate_tokens([token]) == 1)
        self._raise()
        return allowed

    def accept(self, token: int) -> None:
        self._matcher.consume_token(token)
        self._raise()

    def _raise(self) -> None:
        if self._matcher.is_error():
            message = "The output's grammar takes too much work; simplify the schema or pattern."
            raise InvalidInput(message, self._param, "XIM_UNSUPPORTED_PARAMETER")


class Constraint:
    """`check`: validates a finished output where the grammar alone does not enforce the whole shape; otherwise None."""

    def __init__(self, compiled: llguidance.LLMatcher, param: str, check: Callable[[str], bool] | None) -> None:
        self._compiled = compiled
        self._param = param
        self.check = check

    def start(self) -> Matcher:
        """A matcher at the beginning of an output."""
        return Matcher(self._compiled.deep_copy(), self._param)


class Constraints:
    """Compiles shapes for one vocabulary and caches the latest ones. May be used by several threads."""

    def __init__(self, tokenizer: Tokenizer, vocabulary: int) -> None:
        """`vocabulary`: elements of a row of logits; those beyond the tokenizer's tokens are never allowed."""
        self._tokenizer = tokenizer
        self._library = llguidance.LLTokenizer(
            llguidance.TokenizerWrapper(_Vocabulary(tokenizer, vocabulary)),
            n_vocab=vocabulary,
            eos_token=sorted(tokenizer.ends) or None,
        )
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Constraint] = OrderedDict()
        self._characters = 0

    def compile(self, format_: Mapping[str, Any] | None, use: ToolUse, dialect: Dialect) -> Constraint | None:
        """None: the output is free. Required calls exclude a format.

        Raises InvalidInput with the position of the keyword or pattern that cannot be enforced.
        """
        if not use.required and not format_:
            return None
        wanted = [use.shown, use.name, use.single, dialect.name] if use.required else format_
        where = "prompt.tools" if use.required else "format"
        try:
            key = json.dumps(wanted, sort_keys=False)
        except RecursionError:
            message = "A schema with so many levels cannot be enforced; expected a flatter one."
            raise InvalidInput(message, where, "XIM_UNSUPPORTED_PARAMETER") from None
        if len(key) > _MOST_CHARACTERS:
            message = f"A schema or pattern has at most {_MOST_CHARACTERS} characters here; shorten it."
            raise InvalidInput(message, where, "XIM_UNSUPPORTED_PARAMETER")
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        constraint = self._to_tools(use, dialect) if use.required else self._to_format(format_ or {})
        with self._lock:
            self._characters += 0 if key in self._kept else len(key)
            self._kept[key] = constraint
            while len(self._kept) > _KEPT or self._characters > _KEPT_CHARACTERS:
                self._characters -= len(self._kept.popitem(last=False)[0])
        return constraint

    def _to_format(self, format_: Mapping[str, Any]) -> Constraint:
        kind = format_.get("type")
        if kind == "regex":
            param = "format.pattern"
            pattern = to_rust(whole(format_.get("pattern"), param))
            return self._compile(llguidance.LLMatcher.grammar_from_regex(pattern), param, None)
        if kind == "grammar":
            return self._compile(to_lark(format_.get("grammar"), "format.grammar"), "format.grammar", None)
        if kind == "json":
            return self._to_schema({"type": "object"}, "format")
        if kind == "json-schema":
            return self._to_schema(format_.get("schema"), "format.schema")
        raise InvalidInput(
            "The type of the format is unknown; expected json, json-schema, regex or grammar.", "format.type"
        )

    def _to_schema(self, schema: Any, param: str) -> Constraint:
        plain = PlainSchema(schema, param)
        if plain.grammar is False:
            raise InvalidInput("No value matches this schema.", param)
        grammar = llguidance.LLMatcher.grammar_from_json_schema(
            json.dumps({} if plain.grammar is True else plain.grammar), overrides=to_options(plain)
        )
        return self._compile(grammar, param, OutputCheck(schema).fits if plain.checked else None)

    def _to_tools(self, use: ToolUse, dialect: Dialect) -> Constraint:
        grammar = ToolGrammar(use, dialect.form, self._tokenizer.added)
        checks = {name: OutputCheck(schema) for name, schema in grammar.checks.items()}

        def check(text: str) -> bool:
            return all(checks[name].fits(arguments) for name, arguments in _calls(text, dialect) if name in checks)

        try:
            return self._compile(_to_llguidance(grammar), "prompt.tools", check if checks else None)
        except InvalidInput as error:
            raise self._find_tool(use, dialect, error) from None

    def _find_tool(self, use: ToolUse, dialect: Dialect, error: InvalidInput) -> InvalidInput:
        """The error of a grammar of all tools, with the name of the tool whose parameters alone cause it; otherwise
        unchanged.
        """
        for number, tool in enumerate(use.shown):
            if use.name is not None and tool["name"] != use.name:
                continue
            alone = ToolGrammar(replace(use, shown=[tool]), dialect.form, self._tokenizer.added)
            param = f"prompt.tools.{number}.parameters"
            try:
                self._compile(_to_llguidance(alone), param, None)
            except InvalidInput as own:
                return InvalidInput(f"Parameters of the tool {tool['name']!r}: {own}", param, own.code)
        return error

    def _compile(self, grammar: str, param: str, check: Callable[[str], bool] | None) -> Constraint:
        compiled = run_deep(lambda: self._read(grammar))
        if compiled.is_error():
            reason = compiled.get_error().splitlines()[0][:300]
            message = f"This output shape cannot be enforced: {reason}"
            code = "XIM_INVALID_INPUT" if "nsatisfiable" in reason else "XIM_UNSUPPORTED_PARAMETER"
            raise InvalidInput(message, param, code)
        return Constraint(compiled, param, check)

    def _read(self, grammar: str) -> llguidance.LLMatcher:
        compiled = llguidance.LLMatcher(self._library, grammar, log_level=0, limits=_limits())
        if not compiled.is_error():
            # The first mask detects a grammar without an end, and the matcher caches part of its work.
            compiled.compute_bitmask()
        return compiled


def _to_llguidance(grammar: ToolGrammar) -> str:
    written: str = llguidance.LLMatcher.grammar_from_lark(grammar.lark)
    return written


def _calls(text: str, dialect: Dialect) -> Iterator[tuple[str, str]]:
    """The names and arguments of the calls of an output."""
    parser = dialect.parser(thinks=False, inside=False, tools=True, required=True)
    if parser is None:
        return
    arguments: dict[int, str] = {}
    names: dict[int, str] = {}
    for event in [*parser.push(text), *parser.finish()]:
        if event["type"] == "tool-call":
            names[event["call"]] = event["name"]
        elif event["type"] == "tool-call-delta":
            arguments[event["call"]] = arguments.get(event["call"], "") + event["arguments"]
    for call, name in names.items():
        yield name, arguments.get(call, "{}")


class _Vocabulary:
    """The tokenizer in the form that llguidance expects."""

    def __init__(self, tokenizer: Tokenizer, vocabulary: int) -> None:
        # No text allows a token without bytes. A special token needs a name that no text contains.
        raw = [*tokenizer.raw[:vocabulary], *[b""] * max(0, vocabulary - len(tokenizer.raw))]
        special = tokenizer.specials | set(tokenizer.added.values())
        self.tokens = [
            b"\xff" + (name or b"<unused>") if token in special or not name else name for token, name in enumerate(raw)
        ]
        self.special_token_ids = sorted(special)
        self.eos_token_id = min(tokenizer.ends, default=0)
        self.bos_token_id = None
        self._tokenizer = tokenizer

    def __call__(self, text: bytes | str) -> list[int]:
        return self._tokenizer.encode(text.decode() if isinstance(text, bytes) else text, special=False)
