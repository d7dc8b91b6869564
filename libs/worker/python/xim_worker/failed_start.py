"""A worker that cannot start, and says why."""

from __future__ import annotations

from collections.abc import Callable, Generator

from .handlers import Context, Event, Info, Request, StartError
from .serve import serve


def serve_failure(task: str, message: str) -> None:
    """Refuses to load, permanently, with `message`. Does not return.

    A process that just ends would be started again and again, and only its log would say why.
    """
    serve(calls={task: _Failure(message)})


class _Failure:
    """A CallHandler whose start fails."""

    def __init__(self, message: str) -> None:
        self._message = message

    def load(self, context: Context) -> Info:
        raise StartError(self._message, permanent=True)

    def run(self, request: Request, cancelled: Callable[[], bool]) -> Generator[Event | None, None, None]:
        yield from ()
