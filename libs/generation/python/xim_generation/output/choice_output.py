"""Converts the tokens of one choice to the events of the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .event import Event
from .repeated_calls import RepeatFilter
from .token_log import TokenLog, TokenScore, to_echo
from .token_text import TokenText

if TYPE_CHECKING:
    from ..chat.dialects import Dialect
    from ..chat.tokenizer import Tokenizer


@dataclass(frozen=True)
class OutputOptions:
    """The options of a call for each of its choices."""

    stops: Sequence[str] = ()
    include_stop: bool = False
    stop_tokens: frozenset[int] = frozenset()
    """Tokens that end the choice, beside the model's ends."""
    min_tokens: int = 0
    """Stop texts are ignored before this number of tokens."""
    prompt: Sequence[int] | None = None
    """The prompt's tokens, if the end of the choice reports all tokens."""
    logprobs: int | None = None
    """Alternatives per token; None: no probabilities."""
    thinks: bool = False
    inside: bool = False
    """The output begins inside a thought."""
    tools: bool = False
    """Calls in the text become events."""
    single: bool = False
    """The first tool call ends the choice."""
    required: bool = False
    """The output consists of tool calls only."""
    schemas: Mapping[str, Any] = field(default_factory=dict)
    """The JSON Schema of each tool's arguments; needed by dialects that write a value without its type."""
    strips: bool = False
    """A space at the beginning of the output is not part of the text (see `EncodedPrompt`)."""
    check: Callable[[str], bool] | None = None
    """Validates a finished output; an output that fails counts as cut."""


class ChoiceOutput:
    """Tokens in, events out. No more `push` after `over`."""

    def __init__(self, choice: int, options: OutputOptions, tokenizer: Tokenizer, dialect: Dialect) -> None:
        self.choice = choice
        self.over = False
        """The choice has ended, by its tokens, by a stop text, or by the single tool call."""
        self.output_tokens = 0
        """Tokens up to the end, including an end token."""
        self.reasoning_tokens = 0
        self._tokenizer = tokenizer
        self._options = options
        self._text = TokenText(options.stops, options.include_stop)
        self._parser = dialect.parser(
            thinks=options.thinks,
            inside=options.inside,
            tools=options.tools,
            single=options.single,
            required=options.required,
            schemas=options.schemas,
        )
        self._log = None if options.logprobs is None else TokenLog(tokenizer.raw)
        self._strips = options.strips
        self._repeats = RepeatFilter() if options.required else None
        # The whole output, if it is validated at the end.
        self._whole = ""
        # All tokens, if the end reports them.
        self._tokens: list[int] = []
        # Tokens that the next delta counts.
        self._waiting = 0

    def echo(self, text: str, tokens: Sequence[int], scores: Sequence[TokenScore] | None) -> Event:
        """The prompt's own text; `scores`: one per token except the first."""
        return to_echo(self.choice, text, tokens, scores, self._tokenizer.raw)

    def score_prompt(self, tokens: Sequence[int], scores: Sequence[TokenScore]) -> Event:
        """The prompt's tokens without text; `scores`: one per token except the first."""
        echo = to_echo(self.choice, "", tokens, scores, self._tokenizer.raw)
        return {"type": "prompt-logprobs", "choice": self.choice, "logprobs": echo["logprobs"]}

    def push(self, tokens: Sequence[int], scores: Sequence[TokenScore] | None, reason: str | None) -> list[Event]:
        """The events of new tokens. `scores`: one per token, with `logprobs`.

        `reason` ends the choice: "stop" if the last token is the model's end, "length" if it is cut. The choice may end
        before its last token; later tokens are not counted.
        """
        events: list[Event] = []
        for at, token in enumerate(tokens):
            ended = reason == "stop" and at == len(tokens) - 1 and self._is_silent_end(token)
            self._read(events, token, b"" if ended else self._to_piece(token), scores[at] if scores else None)
            if self._text.stopped is not None:
                self._end(events, "stop")
            elif self._repeats is not None and self._is_repeat():
                self._repeats.drop()
                self._end(events, "stop")
            elif self._options.single and self._parser is not None and self._parser.complete_calls:
                self._end(events, reason if ended and reason else "stop")
            if self.over:
                return events
        if reason is not None:
            self._tell(events, self._text.finish())
            self._end(events, reason)
        return events

    def _is_repeat(self) -> bool:
        """Whether the call that was just completed equals the call before it."""
        parser, repeats = self._parser, self._repeats
        return parser is not None and repeats is not None and parser.complete_calls == parser.calls and repeats.holding

    def _is_silent_end(self, token: int) -> bool:
        stops = () if self._options.include_stop else self._options.stop_tokens
        return token in self._tokenizer.ends or token in stops

    def _to_piece(self, token: int) -> bytes:
        piece = self._tokenizer.pieces[token]
        if self._strips and piece:
            self._strips = False
            piece = piece.removeprefix(b" ")
        return piece

    def _read(self, events: list[Event], token: int, piece: bytes, score: TokenScore | None) -> None:
        self.output_tokens += 1
        self._waiting += 1
        if self._options.prompt is not None:
            self._tokens.append(token)
        if self._parser is not None and self._parser.thinking:
            self.reasoning_tokens += 1
        if self._log is not None and score is not None:
            self._log.add(piece, score)
        text = self._text.push(piece, self.output_tokens >= self._options.min_tokens)
        if self._log is not None and self._text.stopped is not None:
            self._log.cut(self._text.dropped)
        self._tell(events, text)

    def _tell(self, events: list[Event], text: str) -> None:
        if not text:
            return
        if self._options.check is not None:
            self._whole += text
        if self._parser is None:
            self._add(events, {"type": "text-delta", "text": text})
            return
        parsed = self._parser.push(text)
        if not parsed and not self._parser.holding:
            # Only marks: no delta counts them.
            self._forget()
        for event in self._without_repeats(parsed):
            self._add(events, event)

    def _without_repeats(self, parsed: list[Event]) -> list[Event]:
        repeats = self._repeats
        return parsed if repeats is None else [event for each in parsed for event in repeats.push(each)]

    def _add(self, events: list[Event], event: Event) -> None:
        """Adds the choice and the number of tokens; adjacent texts of one kind are joined."""
        event["choice"] = self.choice
        if "text" not in event:
            self._forget()
            events.append(event)
            return
        event["tokens"] = self._waiting
        if self._log is not None:
            event["logprobs"] = self._log.take(self._text.held)
            event["tokens"] = len(event["logprobs"])
        self._waiting = 0
        if events and events[-1]["type"] == event["type"]:
            for name in ("text", "tokens", "logprobs"):
                if name in event:
                    events[-1][name] += event[name]
        else:
            events.append(event)

    def _forget(self) -> None:
        self._waiting = 0
        if self._log is not None:
            self._log.drop()

    def _end(self, events: list[Event], reason: str) -> None:
        for event in self._without_repeats(self._parser.finish()) if self._parser is not None else []:
            self._add(events, event)
        for event in self._repeats.finish() if self._repeats is not None else []:
            self._add(events, event)
        stopped = self._text.stopped
        check = self._options.check
        if reason == "stop" and check is not None and stopped is None and not check(self._whole):
            reason = "length"
        if reason == "stop" and self._parser is not None and self._parser.calls:
            reason = "tool-calls"
        end: Event = {"type": "choice-end", "choice": self.choice, "reason": reason}
        if stopped is not None:
            end["stop"] = stopped
        if self._options.prompt is not None:
            end["tokens"] = {"prompt": list(self._options.prompt), "output": self._tokens}
        events.append(end)
        self.over = True
