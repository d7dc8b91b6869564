"""Schedules windows: calls take turns, so a long recording delays a short recording by one window."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, TimeoutError
from typing import Any, TypeVar

T = TypeVar("T")

_LOOK_SECONDS = 0.1


class CallGone(Exception):
    """Raised inside a job after its call was cancelled; no caller waits for the result."""


class Line:
    """The queue of the jobs of one call."""

    def __init__(self, pool: WindowPool, cancelled: Callable[[], bool]) -> None:
        self._pool = pool
        self.cancelled = cancelled
        self.jobs: deque[tuple[Future[Any], Callable[[], Any]]] = deque()

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Queues a job behind the other jobs of the call."""
        future: Future[T] = Future()
        self._pool.add(self, future, job)
        return future

    def result(self, future: Future[T]) -> Generator[None, None, T]:
        """Waits for a job and returns its result, or raises its exception.

        Yields None when any job of the pool has advanced, which shows that the worker is alive, and when the call is
        cancelled.
        """
        seen = self._pool.advanced
        while True:
            try:
                return future.result(timeout=_LOOK_SECONDS)
            except CallGone:
                # The call is cancelled, so the runtime closes the generator here.
                yield None
                raise
            except TimeoutError:
                if future.done():
                    raise
                if self.cancelled() or seen != self._pool.advanced:
                    seen = self._pool.advanced
                    yield None

    def close(self) -> None:
        """Removes the jobs that have not begun."""
        self._pool.remove(self)


class WindowPool:
    """Worker threads that take one job of each call in turn."""

    def __init__(self, workers: int) -> None:
        self._lines: deque[Line] = deque()
        self._arrived = threading.Condition()
        self._running = threading.local()
        self.advanced = 0
        """Counts passes of the models; it does not change while all models hang."""
        for number in range(workers):
            threading.Thread(target=self._run, name=f"window-{number}", daemon=True).start()

    def open(self, cancelled: Callable[[], bool]) -> Line:
        return Line(self, cancelled)

    def tick(self) -> None:
        """A job calls this between two passes of a model. Raises CallGone if its call was cancelled."""
        self.advanced += 1
        line: Line | None = getattr(self._running, "line", None)
        if line is not None and line.cancelled():
            raise CallGone

    def add(self, line: Line, future: Future[T], job: Callable[[], T]) -> None:
        with self._arrived:
            line.jobs.append((future, job))
            if line not in self._lines:
                self._lines.append(line)
            self._arrived.notify()

    def remove(self, line: Line) -> None:
        with self._arrived:
            line.jobs.clear()
            if line in self._lines:
                self._lines.remove(line)

    def _run(self) -> None:
        while True:
            with self._arrived:
                while not self._lines:
                    self._arrived.wait()
                line = self._lines.popleft()
                future, job = line.jobs.popleft()
                if line.jobs:
                    self._lines.append(line)
            self._running.line = line
            try:
                if line.cancelled():
                    raise CallGone
                future.set_result(job())
            except BaseException as error:
                future.set_exception(error)
            finally:
                self._running.line = None
                self.advanced += 1
            # Otherwise these references would keep a window's arrays in memory until the next job.
            del line, future, job
