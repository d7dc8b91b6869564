"""The scores of a request, computed in one batch."""

from __future__ import annotations

import numpy as np
from xim_embedding.rerank import RerankHandler
from xim_worker import RerankInput


def scores_of(handler: RerankHandler, request: RerankInput) -> list[float]:
    items = list(handler.prepare(request))
    result = handler.finish(request, items, handler.run(items))
    assert result["kind"] == "log-odds"
    assert result["inputTokens"] == sum(item.size for item in items)
    found: list[float] = np.frombuffer(result["scores"], "<f4").tolist()
    return found
