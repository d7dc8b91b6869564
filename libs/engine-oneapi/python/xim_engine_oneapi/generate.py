"""The task `generate`: GenAI's continuous batching on a GGUF file or OpenVINO IR, one step at a time for all calls."""

from __future__ import annotations

import itertools

import numpy as np
import openvino as ov
import openvino_genai as genai
from xim_generation.output.text_stream import TextStream, advance, to_text_tokens
from xim_worker import Context, Event, Info, InvalidInput, Request, StartError

from .choice import Call, Choice, Wanted
from .constraint import to_constraint
from .kv_cache import BLOCK_TOKENS, blocks_for
from .logprobs import to_echo
from .pipeline import caches_prefixes, open_pipeline, to_properties
from .prefix_cache import PrefixCache
from .prompt import PromptReader
from .runtime import describe_runtime, probe_model
from .sampling import refuse_unsupported, to_choices, to_config, to_max_tokens, to_seed, to_stops
from .tools import to_tool_use
from .vocabulary import Vocabulary
from .weights import IR, find_weights

_NOT_FINISHED = genai.GenerationFinishReason.NONE
_REASONS = {genai.GenerationFinishReason.STOP: "stop", genai.GenerationFinishReason.LENGTH: "length"}


class Generate:
    """A StepHandler. Any exception of the pipeline's step is the engine's death: it never recovers from one."""

    def load(self, context: Context) -> Info:
        path = find_weights(context, ".gguf", IR)
        blocks = blocks_for(context.plan.kv_cache_bytes, context.model["shape"])
        context.progress("reading weights", None)
        properties = to_properties(context)
        self._pipeline = open_pipeline(path, context, properties, blocks)
        self._cache = PrefixCache(blocks) if caches_prefixes(context) else None
        tokenizer = self._pipeline.get_tokenizer()
        self._vocabulary = Vocabulary(tokenizer)
        defaults = self._pipeline.get_config()
        self._ends = {"eos_token_id": defaults.eos_token_id, "stop_token_ids": defaults.stop_token_ids}
        # Never used twice: the pipeline takes an id that is in use without a word.
        self._ids = itertools.count(1)
        self._calls: dict[int, Call] = {}
        self._live: list[Choice] = []
        context_length = int(context.model["shape"]["contextLength"])
        self._prompts = PromptReader(tokenizer, self._vocabulary, context_length)
        self._context_length = min(context_length, self._prompts.longest, blocks * BLOCK_TOKENS)
        context.progress("generating a first token", None)
        self._prove()
        runtime, dtype = describe_runtime(probe_model(properties))
        return Info(
            runtime=runtime,
            models=[context.model["id"]],
            dtype=dtype,
            slots=context.plan.slots,
            context_length=self._context_length,
        )

    def add(self, call: int, request: Request) -> list[Event]:
        refuse_unsupported(request, prompt_logprobs=self._cache is None)
        config, stops, choices = to_config(request), to_stops(request), to_choices(request)
        seed, use = to_seed(request), to_tool_use(request["prompt"])
        constraint = to_constraint(request.get("format"), use)
        if constraint is not None:
            config["structured_output_config"] = genai.StructuredOutputConfig(grammar=constraint.grammar)
        reading = self._prompts.read(
            request["prompt"], use.shown, request.get("reasoningEffort"), answer_only=constraint is not None
        )
        logprobs, echo = request.get("logprobs") is not None, bool(request.get("echo"))
        config["max_new_tokens"] = self._fitting(len(reading.tokens), to_max_tokens(request))
        wanted = Wanted(
            stops,
            request.get("includeStop", False),
            logprobs,
            reading.text if echo and logprobs else None,
            reading.thinks,
            reading.inside,
            use.parsed,
            use.single,
            use.required,
            None if constraint is None else constraint.check,
        )
        opened = Call(call, reading.tokens)
        if reading.thinks:
            opened.reasoning_tokens = 0
        ids = ov.Tensor(np.array([reading.tokens], np.int64))
        for number in range(choices):
            settings = genai.GenerationConfig(**self._ends, **config, rng_seed=(seed + number) % 2**63)
            settings.validate()
            handle = self._pipeline.add_request(next(self._ids), ids, settings)
            choice = Choice(opened, number, handle, wanted, self._vocabulary)
            if self._cache is not None:
                choice.held = self._cache.admit(reading.tokens, choice.generated)
            opened.choices.append(choice)
        self._calls[call] = opened
        self._live += opened.choices
        events: list[Event] = [{"type": "start", **opened.to_input()}]
        if echo and not logprobs:
            events += [to_echo(number, reading.text, reading.tokens, None, []) for number in range(choices)]
        return events

    def step(self) -> list[tuple[int, Event]]:
        self._pipeline.step()
        events: list[tuple[int, Event]] = []
        fresh: list[tuple[TextStream, list[int], bool]] = []
        read: list[tuple[Choice, str | None]] = []
        ignored: set[Call] = set()
        for choice in self._live:
            if not choice.handle.can_read():
                if choice.handle.get_status() == genai.GenerationStatus.IGNORED:
                    ignored.add(choice.call)
                continue
            (output,) = choice.handle.read().values()
            reason = None if output.finish_reason == _NOT_FINISHED else _REASONS[output.finish_reason]
            fresh.append((choice.stream, choice.read(output), reason is not None))
            read.append((choice, reason))
        if fresh:
            for (choice, reason), text in zip(read, advance(self._vocabulary.decode, fresh), strict=True):
                self._tell(events, choice, text, reason if choice.stream.stopped is None else "stop")
            self._live = [choice for choice in self._live if not choice.over]
        events += [self._fail(call) for call in ignored]
        return events

    def _tell(self, events: list[tuple[int, Event]], choice: Choice, text: str, reason: str | None) -> None:
        call = choice.call
        for event in choice.tell(text, reason):
            events.append((call.number, event))
        if choice.over:
            self._release(choice)
        if choice.over and call.over:
            events.append((call.number, call.to_end()))
            del self._calls[call.number]

    def cancel(self, call: int) -> None:
        gone = self._calls.pop(call, None)
        if gone is None:
            return
        for choice in gone.choices:
            if not choice.over:
                choice.handle.cancel()
                self._release(choice)
        self._live = [choice for choice in self._live if choice.call is not gone]

    def _release(self, choice: Choice) -> None:
        if self._cache is not None and choice.held is not None:
            self._cache.release(choice.held)

    @property
    def busy(self) -> bool:
        # Also when every call was cancelled: their blocks are given back in a step.
        return bool(self._pipeline.has_non_finished_requests())

    def tokenize(self, request: Request) -> Event:
        tokens = self._prompts.read(request["prompt"], to_tool_use(request["prompt"]).shown).tokens
        result, text = to_text_tokens(tokens, [self._vocabulary.raw[token] for token in tokens])
        return {"type": "result", "tokens": result, "text": text}

    def _fail(self, call: Call) -> tuple[int, Event]:
        self.cancel(call.number)
        message = "The key-value cache has no room for this call."
        return call.number, {"type": "error", "code": "XIM_ENGINE_REQUEST", "message": message}

    def _fitting(self, input_tokens: int, wanted: int | None) -> int:
        room = self._context_length - input_tokens
        asked = 1 if wanted is None else wanted
        if asked <= room:
            return room if wanted is None else wanted
        requested = "" if wanted is None else f" and {wanted} requested output tokens"
        raise InvalidInput(
            f"This model's maximum context length is {self._context_length} tokens. However, your request has "
            f"{input_tokens} input tokens{requested}. Shorten the prompt{' or ask for fewer' if requested else ''}.",
            "prompt" if room < 1 else "maxTokens",
            "XIM_CONTEXT_LENGTH_EXCEEDED",
        )

    def _prove(self) -> None:
        """One real inference: what cannot run fails here and not in the first call."""
        self.add(0, {"prompt": {"text": "Ready?"}, "maxTokens": 2, "ignoreEnd": True, "sampling": {"temperature": 0}})
        events: list[tuple[int, Event]] = []
        while self.busy:
            events += self.step()
        if not events or events[-1][1]["type"] != "end":
            raise StartError("the first inference gave no token", permanent=False)
