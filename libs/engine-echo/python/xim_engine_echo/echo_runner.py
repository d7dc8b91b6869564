"""A language model that says its prompt again: the runner of the reference engine."""

from __future__ import annotations

import platform

import numpy as np
from xim_generation.chat.tokenizer import Tokenizer
from xim_generation.runner import Batch, Floats, LogSumExp, RunnerLimits
from xim_worker import Runtime

from .echo import NEXT, Echo, EchoVocabulary
from .tokenizer import echo_tokenizer


class EchoRunner:
    """A model runner without mathematics. A prompt that ends as a conversation is answered with its last message.

    It keeps its own cache, an `Echo` per sequence. A batch holds all prompts whole, so the first batch of a sequence
    shows where its prompt ends.
    """

    def __init__(self, context_length: int, slots: int) -> None:
        self._tokenizer = echo_tokenizer()
        self._limits = RunnerLimits(
            vocabulary=len(self._tokenizer),
            context_length=context_length,
            block_tokens=0,
            blocks=0,
            batch_tokens=slots * context_length,
        )
        self._echoes: dict[int, Echo] = {}
        self._vocabulary = EchoVocabulary(self._tokenizer)

    @property
    def limits(self) -> RunnerLimits:
        return self._limits

    @property
    def tokenizer(self) -> Tokenizer:
        return self._tokenizer

    def forward(self, batch: Batch) -> Floats:
        logits = np.repeat(self._vocabulary.free[None], len(batch.rows), axis=0)
        tokens, begins, rows = batch.tokens.tolist(), batch.begins.tolist(), batch.rows.tolist()
        row = 0
        for number, begin, end in zip(batch.sequences, begins, begins[1:], strict=False):
            echo = self._echoes.get(number)
            if echo is None:
                echo = self._echoes[number] = Echo(tokens[begin:end], self._vocabulary)
            else:
                for token in tokens[begin:end]:
                    echo.take(token)
            while row < len(rows) and rows[row] < end - 1:
                # A prompt whose probabilities are wanted is what the model expects.
                logits[row, tokens[rows[row] + 1]] = NEXT
                row += 1
            if row < len(rows) and rows[row] < end:
                echo.write(logits[row])
                row += 1
        return logits

    @property
    def log_sum_exp(self) -> LogSumExp | None:
        return None

    def release(self, sequence: int) -> None:
        self._echoes.pop(sequence, None)

    def describe(self) -> tuple[Runtime, str]:
        return Runtime(name="python", version=platform.python_version(), isa="none"), "none"
