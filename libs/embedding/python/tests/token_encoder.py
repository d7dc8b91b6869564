"""An encoder whose hidden states are known, and a folder that fits it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from xim_embedding.encoder import Floats, Int64s
from xim_worker import Context, Plan, Runtime


class TokenEncoder:
    """Hidden states: element 0 is the token id, element 1 the position, from 1."""

    parallel = 3
    few_shapes = True

    def __init__(self, axes: int = 3) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self._axes = axes

    @contextmanager
    def forward(self, ids: Int64s, mask: Int64s) -> Iterator[Floats]:
        self.shapes.append(ids.shape)
        hidden = np.stack([ids, np.broadcast_to(np.arange(1, ids.shape[1] + 1), ids.shape)], axis=2)
        hidden = hidden.astype(np.float32)
        yield hidden if self._axes == 3 else hidden[:, 0]
        hidden[:] = np.nan

    def describe(self) -> tuple[Runtime, str]:
        return {"name": "tokens", "version": "1", "isa": "none"}, "f32"


def context_of(folder: Path, options: dict[str, Any] | None = None, dimensions: int = 2) -> Context:
    tokenizer = Tokenizer(WordLevel({"?": 0, "ready": 1, "a": 2, "b": 3, "q": 4}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "q "}}', "utf8")
    return Context(
        model={"id": "m", "shape": {"contextLength": 16, "dimensions": dimensions}},
        model_path=str(folder),
        options=options or {},
        plan=Plan(threads=1, slots=8, kv_cache_bytes=0, batch_tokens=100),
        rank=0,
        progress=lambda step, fraction: None,
    )
