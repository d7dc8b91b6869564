from collections.abc import Callable

import pytest
from echo_service import make_context
from xim_worker import Context


@pytest.fixture
def context() -> Callable[..., Context]:
    """Makes what `load` is given: `context(slots=2, rate=5)`."""
    make: Callable[..., Context] = make_context
    return make
