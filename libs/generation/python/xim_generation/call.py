"""A call and its choices while they run."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .chat.prompt import EncodedPrompt
from .constrain import Matcher
from .output.choice_output import ChoiceOutput
from .output.event import Event
from .output.token_log import TokenScore
from .sample.logprobs import log_sum_exp, to_score
from .sample.params import RequestParams
from .sample.sampler import SequenceSampler, apply_mask, is_allowed
from .sample.speculate import PromptLookup
from .schedule.sequence import Sequence

Row = npt.NDArray[np.float32]


class Scratch:
    """Memory that sampling one row after the other uses again and again."""

    def __init__(self, vocabulary: int) -> None:
        self.row = np.empty(vocabulary, np.float32)
        self.mask = np.zeros((vocabulary + 31) // 32, np.uint32)


class Choice:
    """One sequence: where it is, how its tokens are chosen, and how they become events."""

    def __init__(
        self,
        sequence: Sequence,
        sampler: SequenceSampler,
        output: ChoiceOutput,
        matcher: Matcher | None,
        params: RequestParams,
        max_tokens: int,
    ) -> None:
        self.sequence = sequence
        self.lookup = PromptLookup(sequence.tokens)
        self._sampler = sampler
        self._output = output
        self._matcher = matcher
        self._params = params
        self._max_tokens = max_tokens
        self.generated = 0
        self.plain = sampler.plain and matcher is None and params.logprobs is None
        """The next token is the most probable one of the logits as they are, and nothing else is asked for."""
        self.sum_scale = 1.0 if params.logprobs is not None else sampler.sum_scale if matcher is None else None
        """The scale of the raw logits in the `log_sum` that `choose` can use; None: it has no use for it."""
        self.scores_prompt = params.echo and params.logprobs is not None
        """The scores of the prompt's tokens are still wanted."""
        self._prompt_scores: list[TokenScore] = []

    @property
    def over(self) -> bool:
        return self._output.over

    @property
    def output_tokens(self) -> int:
        return self._output.output_tokens

    @property
    def reasoning_tokens(self) -> int:
        return self._output.reasoning_tokens

    def choose(self, row: Row, scratch: Scratch, log_sum: float | None = None) -> tuple[int, TokenScore | None]:
        """The next token out of its logits `row` [vocabulary], which is changed.

        `log_sum`: ln of the sum of exp(`sum_scale` * logit) over the row, where it is known.
        """
        alternatives = self._params.logprobs
        raw = normaliser = None
        if alternatives is not None:
            normaliser = log_sum_exp(row, scratch.row) if log_sum is None else log_sum
            log_sum = None
            raw = row if self._sampler.plain and self._matcher is None else row.copy()
        self._sampler.adjust(row)
        token = self._choose_allowed(row, scratch, log_sum)
        if raw is None or normaliser is None or alternatives is None:
            return token, None
        return token, to_score(raw, normaliser, token, alternatives)

    def _choose_allowed(self, row: Row, scratch: Scratch, log_sum: float | None) -> int:
        if self._matcher is None:
            return self._sampler.draw(row, scratch.row, log_sum)
        self._matcher.fill(scratch.mask)
        if self._sampler.greedy:
            # A model that is asked for a format mostly writes it by itself.
            token = int(row.argmax())
            if is_allowed(scratch.mask, token):
                return token
        apply_mask(row, scratch.mask, scratch.row)
        return self._sampler.draw(row, scratch.row)

    def take(self, token: int, score: TokenScore | None, ends: frozenset[int]) -> list[Event]:
        """The events of a new token, the choice's last ones included."""
        self.generated += 1
        self._sampler.take(token)
        ended = token in ends and not self._params.ignore_end
        reason = None
        if ended:
            reason = "stop"
        else:
            self.sequence.tokens.append(token)
            if self._matcher is not None:
                self._matcher.accept(token)
                if self._matcher.finished:
                    reason = "stop"
            if reason is None and self.generated >= self._max_tokens:
                reason = "length"
        return self._output.push([token], None if score is None else [score], reason)

    def advance(self, rows: Row, scratch: Scratch, ends: frozenset[int], log_sum: float | None = None) -> list[Event]:
        """The events of the tokens up to the first that the draft has not, and of that one.

        `rows` [1 + D, vocabulary]: the logits behind the sequence and behind each of the D tokens of the draft.
        `log_sum`: of the only row, as `choose` takes it; None where there is a draft.
        """
        draft, drafted, accepted = self.sequence.draft, len(rows) - 1, 0
        events: list[Event] = []
        for row in rows:
            token, score = self.choose(row, scratch, log_sum)
            events += self.take(token, score, ends)
            if self.over or accepted == drafted or token != draft[accepted]:
                break
            accepted += 1
        if drafted:
            self.lookup.judge(drafted, accepted)
        return events

    def take_prompt_rows(self, rows: Row, start: int, text: str, scratch: Scratch) -> list[Event]:
        """Scores of the prompt's tokens behind `start`, whose logits are `rows`; the echo, once all are known."""
        alternatives = self._params.logprobs or 0
        prompt = self.sequence.tokens[: self.sequence.prompt]
        for row, token in zip(rows, prompt[start + 1 :], strict=False):
            self._prompt_scores.append(to_score(row, log_sum_exp(row, scratch.row), token, alternatives))
        if len(self._prompt_scores) < len(prompt) - 1:
            return []
        self.scores_prompt = False
        return [self._output.echo(text, prompt, self._prompt_scores)]


@dataclass
class Call:
    """`choices` are all that the call began with, over or not."""

    number: int
    prompt: EncodedPrompt
    choices: list[Choice] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return all(choice.over for choice in self.choices)

    def to_end(self) -> Event:
        usage = {
            "inputTokens": len(self.prompt.tokens),
            "outputTokens": sum(choice.output_tokens for choice in self.choices),
            "cachedTokens": max(0, self.choices[0].sequence.cached),
        }
        if self.prompt.thinks:
            usage["reasoningTokens"] = sum(choice.reasoning_tokens for choice in self.choices)
        return {"type": "end", "usage": usage}
