"""The work of a rank above 0: it repeats the steps of rank 0."""

from __future__ import annotations

from collections.abc import Callable

from xim_worker import Context, GenerateInput, Info, Turn
from xim_worker.handlers import Event

from .xft_runner import Library


class FollowingRank:
    """A StepHandler that takes no calls. Inputs come from rank 0 through the library, which waits for them."""

    busy = True

    def __init__(self, open_model: Callable[[Context], tuple[Library, Info]]) -> None:
        self._open_model = open_model

    def load(self, context: Context) -> Info:
        self._model, info = self._open_model(context)
        return info

    def add(self, call: int, request: GenerateInput, turn: Turn | None = None) -> list[Event]:
        raise NotImplementedError("calls go to rank 0")

    def step(self) -> list[tuple[int, Event]]:
        """One step in the order of `XftRunner`; without arguments, since rank 0 hands them on."""
        self._model.free_seqs()
        self._model.set_input_cb()
        self._model.forward_cb()
        return []

    def cancel(self, call: int) -> None:
        """A rank above 0 has no calls."""
