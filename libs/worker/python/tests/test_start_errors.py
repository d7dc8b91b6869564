"""Exceptions of a handler's `load`: which of them the next start would raise again."""

from __future__ import annotations

import pytest
from xim_worker.serve import is_permanent


@pytest.mark.parametrize(
    "error",
    [
        ImportError("a wheel for another host"),
        ValueError("a wrong option"),
        KeyError("rope_theta"),
        IndexError("no layer"),
        OverflowError("int too big to convert"),
        ZeroDivisionError("no heads"),
        Exception("Token `ab` out of vocabulary"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_next_start_would_raise_it_again(error: Exception) -> None:
    assert is_permanent(error)


@pytest.mark.parametrize(
    "error",
    [OSError("the disk is busy"), MemoryError(), RuntimeError("no memory for the weights"), TimeoutError()],
    ids=lambda error: type(error).__name__,
)
def test_it_may_pass(error: Exception) -> None:
    assert not is_permanent(error)
