"""A model runner that keeps a rate and has the faults that a profile asks for."""

from __future__ import annotations

from xim_generation.chat.tokenizer import Tokenizer
from xim_generation.runner import Batch, Floats, LogSumExp, ModelRunner, RunnerLimits
from xim_worker import Runtime

from .faults import Faults
from .start import Pace


class FaultyRunner:
    """Does nothing of its own before `armed`: the first inference, at load, is none of a caller's."""

    def __init__(self, runner: ModelRunner, pace: Pace, faults: Faults) -> None:
        self._runner, self._pace, self._faults = runner, pace, faults
        self.armed = False

    @property
    def limits(self) -> RunnerLimits:
        return self._runner.limits

    @property
    def tokenizer(self) -> Tokenizer:
        return self._runner.tokenizer

    def forward(self, batch: Batch) -> Floats:
        if self.armed:
            self._pace.wait()
            self._faults.step(len(batch.rows))
        return self._runner.forward(batch)

    @property
    def log_sum_exp(self) -> LogSumExp | None:
        return self._runner.log_sum_exp

    def release(self, sequence: int) -> None:
        self._runner.release(sequence)

    def describe(self) -> tuple[Runtime, str]:
        return self._runner.describe()
