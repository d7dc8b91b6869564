"""The task `generate`: the generation runtime over a model that says its prompt again."""

from __future__ import annotations

from xim_generation.handler import GenerateHandler
from xim_generation.output.event import Event
from xim_generation.runner import ModelRunner
from xim_worker import Context, GenerateInput, Info, Turn

from .echo_runner import EchoRunner
from .faulty_runner import FaultyRunner
from .start import Pace, start


class Generate(GenerateHandler):
    """The runtime's StepHandler. A step is one batch of all running choices."""

    def __init__(self) -> None:
        super().__init__(self._open)

    def load(self, context: Context) -> Info:
        self._faults = start(context)
        info = super().load(context)
        self._faulty.armed = True
        return info

    def add(self, call: int, request: GenerateInput, turn: Turn | None = None) -> list[Event]:
        self._faults.call()
        return super().add(call, request, turn)

    def _open(self, context: Context) -> ModelRunner:
        runner = EchoRunner(context.options.get("contextLength", 4096), context.plan.slots)
        self._faulty = FaultyRunner(runner, Pace(context.options.get("rate", 0)), self._faults)
        return self._faulty
