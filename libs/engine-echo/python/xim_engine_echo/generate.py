"""The task `generate`: the prompt's own words come back, one token per step and choice."""

from __future__ import annotations

import json
import random
import re
from collections import deque
from typing import Any

from xim_generation.output.text_tokens import to_text_tokens
from xim_worker import Context, Event, Info, InvalidInput, Request

from .prompt import arguments_for, called_tools, instance_of, read_prompt
from .sequence import EchoSequence, Part, to_logprob
from .start import Pace, describe, start
from .tokens import cut, to_id

_REASONING = re.compile(r"<think>(.*?)</think>", re.DOTALL)


class _Call:
    def __init__(self, input_tokens: int, choices: int) -> None:
        self.input_tokens = input_tokens
        self.open_choices = choices
        self.output_tokens = 0
        self.reasoning_tokens = 0


class Generate:
    """A StepHandler. What no slot is free for waits in order."""

    def load(self, context: Context) -> Info:
        self._faults = start(context)
        self._pace = Pace(context.options.get("rate", 0))
        self._slots = context.plan.slots
        self._context_length: int = context.options.get("contextLength", 4096)
        self._model: str = context.model["id"]
        self._calls: dict[int, _Call] = {}
        self._running: list[EchoSequence] = []
        self._waiting: deque[EchoSequence] = deque()
        return describe(context, context_length=self._context_length)

    @property
    def busy(self) -> bool:
        return bool(self._running or self._waiting)

    def add(self, call: int, request: Request) -> list[Event]:
        self._faults.call()
        _refuse_unsupported(request)
        pieces, echo = read_prompt(request["prompt"])
        choices = _whole(request, "choices", 1)
        max_tokens = self._fit(len(pieces), request)
        tools = called_tools(request["prompt"])
        for choice in range(choices):
            if tools:
                parts = [_to_tool_part(call, choice, number, tool, echo) for number, tool in enumerate(tools)]
                self._waiting.append(EchoSequence(call, choice, parts, max_tokens=max_tokens))
            else:
                sequence = EchoSequence(
                    call,
                    choice,
                    _to_text_parts(choice, request, echo),
                    max_tokens=max_tokens,
                    stops=request.get("stop") or (),
                    include_stop=request.get("includeStop", False),
                    logprobs=request.get("logprobs"),
                    endless=request.get("ignoreEnd", False),
                )
                self._waiting.append(sequence)
        self._calls[call] = _Call(len(pieces), choices)
        events: list[Event] = [{"type": "start", "inputTokens": len(pieces)}]
        if request.get("echo"):
            events += [_to_echo(pieces, choice, request.get("logprobs")) for choice in range(choices)]
        return events

    def step(self) -> list[tuple[int, Event]]:
        self._pace.wait()
        while self._waiting and len(self._running) < self._slots:
            self._running.append(self._waiting.popleft())
        self._faults.step(len(self._running))
        events: list[tuple[int, Event]] = []
        over = False
        for sequence in self._running:
            call = sequence.call
            for event in sequence.step():
                events.append((call, event))
            if sequence.over:
                over = True
                self._close(sequence, events)
        if over:
            self._running = [sequence for sequence in self._running if not sequence.over]
        return events

    def cancel(self, call: int) -> None:
        if self._calls.pop(call, None) is not None:
            self._running = [sequence for sequence in self._running if sequence.call != call]
            self._waiting = deque(sequence for sequence in self._waiting if sequence.call != call)

    def tokenize(self, request: Request) -> Event:
        pieces, _ = read_prompt(request["prompt"])
        ids = [to_id(piece) for piece in pieces]
        tokens, text = to_text_tokens(ids, pieces)
        return {"type": "result", "tokens": tokens, "text": text}

    def _close(self, sequence: EchoSequence, events: list[tuple[int, Event]]) -> None:
        call = self._calls[sequence.call]
        call.output_tokens += sequence.tokens
        call.reasoning_tokens += sequence.reasoning_tokens
        call.open_choices -= 1
        if call.open_choices == 0:
            del self._calls[sequence.call]
            usage = {"inputTokens": call.input_tokens, "outputTokens": call.output_tokens}
            if call.reasoning_tokens:
                usage["reasoningTokens"] = call.reasoning_tokens
            events.append((sequence.call, {"type": "end", "usage": usage}))

    def _fit(self, prompt_tokens: int, request: Request) -> int:
        """The tokens that each choice may have, or a refusal when prompt and output do not fit the context."""
        left = self._context_length - prompt_tokens
        wanted = _whole(request, "maxTokens", max(left, 1))
        if wanted > left:
            raise InvalidInput(
                f"This model's context holds {self._context_length} tokens. The prompt has {prompt_tokens} and "
                f"{wanted} more were asked for. Shorten the prompt or ask for fewer.",
                "prompt" if left < 1 else "maxTokens",
                "XIM_CONTEXT_LENGTH_EXCEEDED",
            )
        return wanted


def _whole(request: Request, name: str, default: int) -> int:
    value = request.get(name, default)
    if type(value) is not int or value < 1:
        raise InvalidInput(f"{name} must be a whole number from 1; it is {value!r}.", name)
    return value


def _refuse_unsupported(request: Request) -> None:
    for path in ("format.pattern", "sampling.logitBias", "reasoningEffort"):
        value: Any = request
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            message = f"The echo engine does not support {path}: its words are the prompt's. Leave it out."
            raise InvalidInput(message, path, "XIM_UNSUPPORTED_PARAMETER")
    if request.get("echo") and "messages" in request["prompt"]:
        raise InvalidInput("A conversation cannot be echoed; send it as a text, or leave echo out.", "echo")


def _to_echo(pieces: list[bytes], choice: int, logprobs: int | None) -> Event:
    """The prompt's own text. Nothing came before its first token, so that has no probability."""
    text = b"".join(pieces).decode("utf-8", "replace")
    event: Event = {"type": "text-delta", "choice": choice, "text": text, "tokens": 0}
    if logprobs is not None:
        entries = [to_logprob(piece, logprobs) for piece in pieces]
        event["logprobs"] = [{**entries[0], "logprob": None, "top": []}, *entries[1:]]
    return event


def _to_text_parts(choice: int, request: Request, echo: str) -> list[Part]:
    """The text outside and inside <think>…</think>, by turns; JSON where a format is asked for."""
    sampling = request.get("sampling") or {}
    if request.get("format"):
        value = instance_of({"type": "object", **request["format"].get("schema", {})}, echo)
        return [Part({"type": "text-delta", "choice": choice}, cut(json.dumps(value, ensure_ascii=False)))]
    texts = _REASONING.split(echo)
    # An echo needs no sampling; a seed shuffles its words, so that seeds and choices can be told apart.
    if sampling.get("seed") is not None and sampling.get("temperature") != 0:
        texts = [_shuffled(text, sampling["seed"] + choice) for text in texts]
    kinds = ("text-delta", "reasoning-delta")
    parts = [
        Part({"type": kinds[number % 2], "choice": choice}, cut(text)) for number, text in enumerate(texts) if text
    ]
    if not parts and request.get("ignoreEnd"):
        return [Part({"type": "text-delta", "choice": choice}, [b"."])]
    return parts


def _to_tool_part(call: int, choice: int, number: int, tool: dict[str, Any], echo: str) -> Part:
    place = {"choice": choice, "call": number}
    opening = {"type": "tool-call", **place, "id": f"call_{call}_{choice}_{number}", "name": tool["name"]}
    text = json.dumps(arguments_for(tool, echo), ensure_ascii=False, separators=(",", ":"))
    return Part({"type": "tool-call-delta", **place}, cut(text), opening)


def _shuffled(text: str, seed: int) -> str:
    words = text.split(" ")
    random.Random(seed).shuffle(words)
    return " ".join(words)
