"""From a request to a call: first the slow part, in a thread beside the step, then the start of its sequences."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from xim_worker import GenerateInput, InvalidInput, TokenizeInput, TokenizeResult, Turn

from .call import Call, Choice
from .chat.prompt import EncodedPrompt, PromptReader
from .chat.tokenizer import Tokenizer
from .chat.tools import ToolUse, to_tool_use
from .constrain import Constraint, Constraints
from .output.choice_output import ChoiceOutput, OutputOptions
from .output.event import Event
from .runner import RunnerLimits
from .sample.params import RequestParams
from .sample.sampler import SequenceSampler
from .sample.token_rules import TokenRules, to_token_rules
from .schedule.sequence import Sequence


@dataclass(frozen=True)
class Prepared:
    """A prepared request: all slow work is done."""

    params: RequestParams
    prompt: EncodedPrompt
    tools: ToolUse
    constraint: Constraint | None
    rules: TokenRules | None
    turn: Turn


class Admission:
    """Reads requests for one model. `prepare` and `tokenize` may run in other threads than `admit`."""

    def __init__(
        self, tokenizer: Tokenizer, limits: RunnerLimits, *, template: str | None = None, dialect: str | None = None
    ) -> None:
        """`template` and `dialect` replace the tokenizer's own. Raises StartError."""
        self._tokenizer = tokenizer
        self._limits = limits
        self._prompts = PromptReader(tokenizer, limits.context_length, template=template, dialect=dialect)
        self._constraints = Constraints(tokenizer, limits.vocabulary)
        # Sequences have their own numbers: a runner must never see a number twice.
        self._numbers = itertools.count(1)

    def tokenize(self, request: TokenizeInput) -> TokenizeResult:
        return self._prompts.tokenize(request)

    def prepare(self, request: GenerateInput, params: RequestParams, turn: Turn) -> Prepared:
        """Raises InvalidInput."""
        tools = to_tool_use(request["prompt"])
        constraint = self._constraints.compile(request.get("format"), tools, self._prompts.dialect)
        prompt = self._prompts.read(request, tools, answer_only=constraint is not None)
        rules = to_token_rules(params, self._tokenizer, self._limits.vocabulary)
        return Prepared(params, prompt, tools, constraint, rules, turn)

    def admit(self, number: int, prepared: Prepared) -> tuple[Call, list[Event]]:
        """The call with its choices, whose sequences wait for the scheduler, and its first events.

        Raises InvalidInput if prompt and output exceed the context.
        """
        params, prompt, tools = prepared.params, prepared.prompt, prepared.tools
        max_tokens = self._fitting(len(prompt.tokens), params.max_tokens)
        options = _to_output_options(prepared)
        call = Call(number, prompt)
        start: Event = {"type": "start", "inputTokens": len(prompt.tokens)}
        if params.token_ids:
            start["promptTokens"] = [list(prompt.tokens)]
        events: list[Event] = [start]
        first: Sequence | None = None
        for index in range(params.choices):
            sequence = Sequence(
                next(self._numbers),
                prepared.turn,
                list(prompt.tokens),
                wants_prompt_rows=params.echo_scores or (first is None and params.prompt_logprobs is not None),
                after=first,
            )
            first = first or sequence
            sampler = SequenceSampler(params.sampling, prompt.tokens, index)
            matcher = None if prepared.constraint is None else prepared.constraint.start()
            output = ChoiceOutput(index, options, self._tokenizer, self._prompts.dialect)
            default_ends = self._tokenizer.ends if tools.required else frozenset[int]()
            choice = Choice(sequence, sampler, output, matcher, params, max_tokens, prepared.rules, default_ends)
            call.choices.append(choice)
            if params.echo and params.logprobs is None:
                events.append(output.echo(prompt.text, prompt.tokens, None))
        return call, events

    def _fitting(self, input_tokens: int, wanted: int | None) -> int:
        """Maximum tokens of each choice."""
        length = self._limits.context_length
        room = length - input_tokens
        asked = 1 if wanted is None else wanted
        if asked <= room:
            return room if wanted is None else wanted
        requested = "" if wanted is None else f" and {wanted} requested output tokens"
        raise InvalidInput(
            f"This model's maximum context length is {length} tokens. However, your request has "
            f"{input_tokens} input tokens{requested}. Shorten the prompt{' or ask for fewer' if requested else ''}.",
            "prompt" if room < 1 else "maxTokens",
            "XIM_CONTEXT_LENGTH_EXCEEDED",
        )


def _to_output_options(prepared: Prepared) -> OutputOptions:
    params, prompt, tools = prepared.params, prepared.prompt, prepared.tools
    return OutputOptions(
        stops=params.stops,
        include_stop=params.include_stop,
        stop_tokens=params.stop_tokens,
        min_tokens=params.min_tokens,
        prompt=prompt.tokens if params.token_ids else None,
        logprobs=params.logprobs,
        thinks=prompt.thinks,
        inside=prompt.inside,
        # A format and tool calls exclude each other.
        tools=tools.parsed and (prepared.constraint is None or tools.required),
        single=tools.single,
        required=tools.required,
        schemas={tool["name"]: tool.get("parameters") or {} for tool in tools.shown},
        strips=prompt.strips,
        check=None if prepared.constraint is None else prepared.constraint.check,
    )
