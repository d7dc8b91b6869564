"""The task `generate` for every engine: takes calls, runs one step at a time for all of them, returns events."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from xim_worker import (
    Context,
    GenerateInput,
    Info,
    StartError,
    TokenizeInput,
    TokenizeResult,
    Turn,
    failure,
    turn_of,
)

from .admission import Admission, Prepared
from .call import Call, Choice, Scratch
from .output.event import Event
from .preparation import Preparation
from .runner import Floats, ModelRunner
from .sample.draft_cost import DraftCost
from .sample.many_rows import best_of_rows, log_sums
from .sample.params import to_params
from .sample.speculate import MOST
from .schedule.scheduler import Scheduler
from .schedule.sequence import Chunk

_SPECULATING = 4
"""Maximum number of sequences that run together with guessed tokens: with more, a guess costs more than it gains."""


class GenerateHandler:
    """A StepHandler over a model runner.

    `open_runner` loads the model; it raises StartError. Options of the profile, the same for every engine:
    `chatTemplate`, a template that replaces the model's own; `dialect`, the name of a dialect that replaces the
    template's own; `prefixCache: false`, every prompt is computed whole; `speculation: false`, no tokens are guessed.

    An exception that one call's input causes ends that call; an exception of the runner ends the worker.
    """

    def __init__(self, open_runner: Callable[[Context], ModelRunner]) -> None:
        self._open_runner = open_runner

    def load(self, context: Context) -> Info:
        options = context.options
        self._runner = self._open_runner(context)
        self._limits = self._runner.limits
        self._tokenizer = self._runner.tokenizer
        self._admission = Admission(
            self._tokenizer, self._limits, template=options.get("chatTemplate"), dialect=options.get("dialect")
        )
        self._scheduler = Scheduler(self._limits, context.plan.slots, bool(options.get("prefixCache", True)))
        # A runner with its own cache may not support the removal of a token.
        self._speculates = bool(options.get("speculation", True)) and self._limits.block_tokens > 0
        self._draft_cost = DraftCost()
        self._clock = time.perf_counter
        self._scratch = Scratch(self._limits.vocabulary)
        self._preparation: Preparation[Prepared] = Preparation(context.wake)
        self._calls: dict[int, Call] = {}
        self._choices: dict[int, tuple[Call, Choice]] = {}
        self._most_calls = 0  # at once, since no call was running
        context.progress("generating a first token", None)
        self._prove()
        runtime, dtype = self._runner.describe()
        return Info(
            runtime=runtime,
            models=[context.model["id"]],
            dtype=dtype,
            slots=context.plan.slots,
            context_length=self._limits.context_length,
            kv_cache_dtype=self._limits.kv_dtype,
        )

    @property
    def busy(self) -> bool:
        return self._scheduler.busy or self._preparation.ready

    def add(self, call: int, request: GenerateInput, turn: Turn | None = None) -> list[Event]:
        """Checks only fast conditions; a later step returns the call's `start`."""
        params = to_params(request, len(self._tokenizer))
        turn = turn or turn_of(call)
        self._preparation.submit(call, turn, request, lambda: self._admission.prepare(request, params, turn))
        return []

    def cancel(self, call: int) -> None:
        self._preparation.cancel(call)
        gone = self._calls.pop(call, None)
        if gone is not None:
            for choice in gone.choices:
                self._release(choice)

    def step(self) -> list[tuple[int, Event]]:
        events: list[tuple[int, Event]] = []
        for number, prepared in self._preparation.take():
            try:
                if isinstance(prepared, Exception):
                    raise prepared
                events += [(number, event) for event in self._admit(number, prepared)]
            except Exception as error:
                events.append((number, failure(error)))
        self._most_calls = max(self._most_calls, len(self._calls))
        if self._speculates and len(self._choices) <= _SPECULATING:
            count = len(self._choices)
            least = self._draft_cost.least_accepted(count)
            for _, choice in self._choices.values():
                choice.sequence.draft = choice.lookup.propose(MOST // count, least)
        chunks = self._scheduler.plan()
        if chunks:
            began = self._clock()
            logits = self._runner.forward(self._scheduler.to_batch(chunks))
            # The prefix cache registers computed tokens before their sequence may end; tokens of a draft after
            # sampling.
            self._scheduler.commit([chunk for chunk in chunks if not chunk.drafted])
            self._sample(chunks, logits, events)
            self._scheduler.commit([chunk for chunk in chunks if chunk.drafted])
            if all(chunk.count == 1 + chunk.drafted for chunk in chunks):
                rows = sum(chunk.count for chunk in chunks)
                self._draft_cost.record(len(chunks), rows, self._clock() - began)
        if not self._calls and self._most_calls:
            self._preparation.expected, self._most_calls = self._most_calls, 0
        return events

    def tokenize(self, request: TokenizeInput) -> TokenizeResult:
        return self._admission.tokenize(request)

    def _admit(self, number: int, prepared: Prepared) -> list[Event]:
        call, events = self._admission.admit(number, prepared)
        for choice in call.choices:
            self._choices[choice.sequence.number] = (call, choice)
            self._scheduler.add(choice.sequence)
        self._calls[number] = call
        return events

    def _sample(self, chunks: list[Chunk], logits: Floats, events: list[tuple[int, Event]]) -> None:
        """The next token of each chunk that reached the end of its sequence."""
        ends = self._tokenizer.ends
        at = 0
        first_rows = []
        sampled: list[tuple[Call, Choice, int]] = []
        for chunk in chunks:
            rows, at = (at, at + chunk.rows), at + chunk.rows
            sequence = chunk.sequence
            if chunk.rows == 0 or sequence.number not in self._choices:
                continue
            call, choice = self._choices[sequence.number]
            if choice.scores_prompt:
                score_rows = logits[rows[0] : rows[1]]
                found = self._guarded(
                    call, choice.take_prompt_rows, score_rows, chunk.start, call.prompt.text, self._scratch
                )
                events += [(call.number, event) for event in found]
            if chunk.start + chunk.count - chunk.drafted == len(sequence.tokens):
                first_rows.append(rows[1] - 1 - chunk.drafted)
                sampled.append((call, choice, chunk.drafted))
        if not sampled:
            return
        # One pass over all rows for greedy choices without other features.
        best = best_of_rows(logits, first_rows) if any(choice.plain for _, choice, _ in sampled) else []
        scales = [None if drafted else choice.sum_scale for _, choice, drafted in sampled]
        sums = log_sums(self._runner.log_sum_exp, logits, first_rows, scales)
        for index, (call, choice, drafted) in enumerate(sampled):
            first = first_rows[index]
            if choice.plain and not drafted:
                found = self._guarded(call, choice.take, best[index], None, ends)
            else:
                rows_of = logits[first : first + 1 + drafted]
                found = self._guarded(call, choice.advance, rows_of, self._scratch, ends, sums.get(first))
            for event in found:
                events.append((call.number, event))
            if choice.over:
                self._release(choice)
                if call.over and self._calls.pop(call.number, None) is not None:
                    events.append((call.number, call.to_end()))

    def _guarded(self, call: Call, work: Callable[..., list[Event]], *arguments: Any) -> list[Event]:
        """Events of `work`; an exception ends only this call."""
        if call.number not in self._calls:
            return []
        try:
            return work(*arguments)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            # A panic of a native library is not an Exception, and it belongs to this call.
            self.cancel(call.number)
            known = error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
            return [failure(known)]

    def _release(self, choice: Choice) -> None:
        number = choice.sequence.number
        if self._choices.pop(number, None) is not None:
            self._scheduler.finish(choice.sequence)
            self._runner.release(number)

    def _prove(self) -> None:
        """One real inference: an unusable model fails here and not in the first call."""
        request: GenerateInput = {
            "prompt": {"text": "Ready?"},
            "maxTokens": 2,
            "ignoreEnd": True,
            "sampling": {"temperature": 0},
        }
        params = to_params(request, len(self._tokenizer))
        self._admit(0, self._admission.prepare(request, params, turn_of(0)))
        events: list[tuple[int, Event]] = []
        while self._scheduler.busy:
            events += self.step()
        if not events or events[-1][1]["type"] != "end":
            raise StartError(f"the first inference gave no token: {events[-1:]}", permanent=False)
