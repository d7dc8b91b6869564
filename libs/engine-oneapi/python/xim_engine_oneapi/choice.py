"""One call and its choices on their way from tokens to events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import openvino_genai as genai
from xim_generation.output.output_parser import OutputParser
from xim_generation.output.reasoning import ReasoningParser
from xim_generation.output.text_stream import TextStream
from xim_generation.output.tool_calls import ToolCallParser
from xim_worker import Event

from .logprobs import TokenLog, to_echo
from .prefix_cache import Held
from .vocabulary import Vocabulary


class Call:
    def __init__(self, number: int, prompt: list[int]) -> None:
        self.number = number
        self.prompt = prompt
        self.choices: list[Choice] = []
        self.output_tokens = 0
        self.reasoning_tokens: int | None = None
        """None where nothing could be reasoning."""

    @property
    def over(self) -> bool:
        return all(choice.over for choice in self.choices)

    def to_input(self) -> Event:
        """The counts of the prompt. Choices that are admitted together share nothing that is not in the cache yet."""
        held = self.choices[0].held
        return {"inputTokens": len(self.prompt), **({} if held is None else {"cachedTokens": held.cached})}

    def to_end(self) -> Event:
        usage = {**self.to_input(), "outputTokens": self.output_tokens}
        if self.reasoning_tokens is not None:
            usage["reasoningTokens"] = self.reasoning_tokens
        return {"type": "end", "usage": usage}


@dataclass(frozen=True)
class Wanted:
    """What a call wants of each choice, beside its text."""

    stops: list[str]
    include_stop: bool = False
    logprobs: bool = False
    echo: str | None = None
    """The prompt's text, where it comes with the probabilities of its tokens."""
    thinks: bool = False
    inside: bool = False
    """The output begins inside a thought."""
    tools: bool = False
    """Calls in the text are events."""
    single: bool = False
    """The first tool call ends the choice."""
    required: bool = False
    """The output is tool calls and nothing else."""
    check: Callable[[str], bool] | None = None
    """Whether a finished output is what was asked for; one that is not counts as cut."""


class Choice:
    """One sequence: a request of its own to the pipeline, so that each can be stopped by itself."""

    def __init__(
        self, call: Call, number: int, handle: genai.GenerationHandle, wanted: Wanted, vocabulary: Vocabulary
    ) -> None:
        self.call = call
        self.number = number
        self.handle = handle
        self.stream = TextStream(wanted.stops, wanted.include_stop)
        self.generated: list[int] = []
        self.held: Held | None = None
        self.over = False
        # None where all text is the answer's: the common case costs nothing.
        self._parser = None
        if wanted.thinks or wanted.tools:
            reasoning = ReasoningParser(wanted.inside) if wanted.thinks else None
            tools = ToolCallParser(wanted.single, wanted.required) if wanted.tools else None
            self._parser = OutputParser(reasoning, tools)
        self._log = TokenLog(vocabulary.pieces) if wanted.logprobs else None
        self._raw = vocabulary.raw
        self._single = wanted.single
        self._check = wanted.check
        # All of the output, where it is looked at in the end.
        self._whole = ""
        self._echo = wanted.echo
        self._echoed: Event | None = None
        # Tokens that the next delta stands for.
        self._waiting = 0

    def read(self, output: genai.GenerationOutput) -> list[int]:
        """The step's new tokens."""
        tokens: list[int] = output.generated_ids
        logprobs: list[float] | None = None if self._log is None else output.generated_log_probs
        if self._echo is not None and logprobs is not None:
            prompt = len(self.call.prompt)
            self._echoed = to_echo(self.number, self._echo, self.call.prompt, logprobs[:prompt], self._raw)
            self._echo, tokens, logprobs = None, tokens[prompt:], logprobs[prompt:]
        self.call.output_tokens += len(tokens)
        self._waiting += len(tokens)
        self.generated += tokens
        if self._log is not None and logprobs is not None:
            self._log.add(tokens, logprobs)
        if self._parser is not None and self._parser.thinking:
            self.call.reasoning_tokens = (self.call.reasoning_tokens or 0) + len(tokens)
        return tokens

    def tell(self, text: str, reason: str | None) -> list[Event]:
        """The events of a step that let go of `text`; with a `reason` they are the last."""
        if self._log is not None and self.stream.stopped is not None:
            self._log.cut(self.stream.dropped)
        events: list[Event] = [] if self._echoed is None else [self._echoed]
        self._echoed = None
        if self._check is not None:
            self._whole += text
        if self._parser is None:
            if text:
                events.append(self._to_delta({"type": "text-delta", "text": text}))
        else:
            events += self._parse(self._parser, text, reason is not None)
            if self._single and self._parser.complete_calls and reason is None:
                reason = "stop"
                self.handle.cancel()
        if reason is not None:
            if self.stream.stopped is not None:
                self.handle.cancel()
            events.append(self._to_end(reason))
            self.over = True
        return events

    def _parse(self, parser: OutputParser, text: str, last: bool) -> list[Event]:
        parsed = parser.push(text) if text else []
        if last:
            parsed += parser.finish()
        if text and not parsed and not parser.holding:
            # Marks alone: no delta stands for them.
            self._forget()
        return [self._to_delta(event) if "text" in event else self._to_call(event) for event in parsed]

    def _to_delta(self, event: Event) -> Event:
        event |= {"choice": self.number, "tokens": self._waiting}
        if self._log is not None:
            event["logprobs"] = self._log.take(self.stream.held)
            event["tokens"] = len(event["logprobs"])
        self._waiting = 0
        return event

    def _to_call(self, event: Event) -> Event:
        self._forget()
        return event | {"choice": self.number}

    def _forget(self) -> None:
        self._waiting = 0
        if self._log is not None:
            self._log.drop()

    def _to_end(self, reason: str) -> Event:
        if (
            reason == "stop"
            and self._check is not None
            and self.stream.stopped is None
            and not self._check(self._whole)
        ):
            reason = "length"
        if reason == "stop" and self._parser is not None and self._parser.calls:
            reason = "tool-calls"
        end: Event = {"type": "choice-end", "choice": self.number, "reason": reason}
        if self.stream.stopped is not None:
            end["stop"] = self.stream.stopped
        return end
