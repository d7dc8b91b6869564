from collections.abc import Callable
from typing import Any

import pytest
from xim_worker import Context, Plan


@pytest.fixture
def context() -> Callable[..., Context]:
    """Makes what `load` is given: `context(slots=2, rate=5)`."""

    def make(slots: int = 4, **options: Any) -> Context:
        return Context(
            model={"id": "xim/echo-test"},
            model_path="",
            options=options,
            plan=Plan(threads=1, slots=slots, kv_cache_bytes=0, batch_tokens=128),
            rank=0,
            progress=lambda step, fraction: None,
        )

    return make
