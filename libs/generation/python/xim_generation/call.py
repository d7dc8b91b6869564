"""The state of a running call and its choices."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from xim_worker import InvalidInput

from .chat.prompt import EncodedPrompt
from .constrain import Matcher
from .output.choice_output import ChoiceOutput
from .output.event import Event
from .output.token_log import TokenScore
from .sample.logprobs import log_sum_exp, to_score
from .sample.params import RequestParams
from .sample.sampler import SequenceSampler, apply_mask, is_allowed
from .sample.speculate import PromptLookup
from .sample.token_rules import TokenRules
from .schedule.sequence import Sequence

Row = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint32]


class Scratch:
    """Buffers that are reused while the rows of a batch are sampled one after the other."""

    def __init__(self, vocabulary: int) -> None:
        self.row = np.empty(vocabulary, np.float32)
        self.mask = np.zeros((vocabulary + 31) // 32, np.uint32)


class Choice:
    """The state of one sequence: its tokens, its sampling, and its conversion to events."""

    def __init__(
        self,
        sequence: Sequence,
        sampler: SequenceSampler,
        output: ChoiceOutput,
        matcher: Matcher | None,
        params: RequestParams,
        max_tokens: int,
        rules: TokenRules | None = None,
        default_ends: frozenset[int] = frozenset(),
    ) -> None:
        """`default_ends`: end tokens that are chosen where the grammar allows them, see `_default_end`."""
        self.sequence = sequence
        self.lookup = PromptLookup(sequence.tokens)
        self._sampler = sampler
        self._output = output
        self._matcher = matcher
        self._params = params
        self._max_tokens = max_tokens
        self._rules = rules
        self._ends = sorted(default_ends)
        self.generated = 0
        self.first = sequence.after is None
        """The first choice of its call."""
        self.plain = sampler.plain and matcher is None and rules is None and params.logprobs is None
        """The next token is the most probable token of the unchanged logits; no other feature is requested."""
        free = matcher is None and rules is None
        self.sum_scale = 1.0 if params.logprobs is not None else sampler.sum_scale if free else None
        """The scale of the raw logits in the `log_sum` that `choose` can use; None: `choose` does not use it."""
        self.scores_prompt = sequence.wants_prompt_rows
        """The scores of the prompt's tokens are still needed."""
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
        """Chooses the next token from its logits `row` [vocabulary], which is changed.

        `log_sum`: ln of the sum of exp(`sum_scale` * logit) over the row, where it is known.
        """
        alternatives = self._params.logprobs
        raw = normaliser = None
        if alternatives is not None:
            normaliser = log_sum_exp(row, scratch.row) if log_sum is None else log_sum
            log_sum = None
            raw = row if self._sampler.plain and self._matcher is None and self._rules is None else row.copy()
        self._sampler.adjust(row)
        token = self._choose_allowed(row, scratch, log_sum)
        if raw is None or normaliser is None or alternatives is None:
            return token, None
        return token, to_score(raw, normaliser, token, alternatives)

    def _choose_allowed(self, row: Row, scratch: Scratch, log_sum: float | None) -> int:
        if self._rules is not None:
            self._rules.apply(row, self.sequence.tokens, self.generated)
            log_sum = None
        if self._matcher is None:
            return self._draw(row, scratch, (), log_sum)
        if self._sampler.greedy:
            # With a format in the prompt, the model's most probable token mostly fits the format.
            token = int(row.argmax())
            if row[token] > -np.inf and self._matcher.allows(token):
                return token
        self._matcher.fill(scratch.mask)
        end = self._default_end(row, scratch.mask)
        if end is not None:
            return end
        apply_mask(row, scratch.mask, scratch.row)
        withheld = self._rules.withheld(self.generated) if self._rules else []
        return self._draw(row, scratch, [end for end in withheld if is_allowed(scratch.mask, end)])

    def _default_end(self, row: Row, mask: Words) -> int | None:
        """The end after a required call, unless the model's most probable token begins another call."""
        ends = [end for end in self._ends if is_allowed(mask, end) and row[end] > -np.inf]
        if not ends or is_allowed(mask, int(row.argmax())):
            return None
        return max(ends, key=lambda end: float(row[end]))

    def _draw(self, row: Row, scratch: Scratch, last: Seq[int], log_sum: float | None = None) -> int:
        """`last`: the tokens that remain allowed if the request's rules exclude all tokens."""
        if self._rules is not None and row.max() == -np.inf:
            if last:
                return last[0]
            message = (
                "No token may follow: the allowed tokens, the banned texts and the format together exclude every token."
            )
            raise InvalidInput(
                message, "sampling.bannedTexts" if self._params.allowed is None else "sampling.allowedTokens"
            )
        return self._sampler.draw(row, scratch.row, log_sum)

    def take(self, token: int, score: TokenScore | None, ends: frozenset[int]) -> list[Event]:
        """The events of a new token, including the last events of the choice."""
        self.generated += 1
        self._sampler.take(token)
        ended = (token in ends and not self._params.ignore_end) or token in self._params.stop_tokens
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
        """The events of the accepted tokens of the draft and of the first token after them.

        `rows` [1 + D, vocabulary]: the logits after the sequence and after each of the D tokens of the draft.
        `log_sum`: of the only row, as in `choose`; None if there is a draft.
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
        """Scores of the prompt's tokens after `start`, whose logits are `rows`; the echo, once all scores are known."""
        params = self._params
        alternatives = max(params.logprobs or 0, params.prompt_logprobs or 0)
        prompt = self.sequence.tokens[: self.sequence.prompt]
        for row, token in zip(rows, prompt[start + 1 :], strict=False):
            self._prompt_scores.append(to_score(row, log_sum_exp(row, scratch.row), token, alternatives))
        if len(self._prompt_scores) < len(prompt) - 1:
            return []
        self.scores_prompt = False
        events: list[Event] = []
        if params.prompt_logprobs is not None and self.first:
            events.append(self._output.score_prompt(prompt, self._scores(params.prompt_logprobs)))
        if params.echo_scores:
            events.append(self._output.echo(text, prompt, self._scores(params.logprobs or 0)))
        return events

    def _scores(self, alternatives: int) -> list[TokenScore]:
        return [score._replace(top=score.top[:alternatives]) for score in self._prompt_scores]


@dataclass
class Call:
    """`choices`: all choices of the call, running or ended."""

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
