"""Runs work that recurses deeply outside Python: llguidance reads a chain of references in a recursion."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Address space; only the touched pages use memory. 8 MB are enough for a chain of about 1,000 references.
_STACK_BYTES = 128 << 20
_lock = threading.Lock()


def run_deep(work: Callable[[], T]) -> T:
    """The result or exception of `work`, run in a thread with a large stack. May be used by several threads."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="deep-stack")
    # The size applies to the whole process, and is read when a thread starts.
    with _lock:
        before = threading.stack_size(_STACK_BYTES)
        try:
            thread.start()
        finally:
            threading.stack_size(before)
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
