"""The memory of the encoder over batches of many shapes, on the model of the service `embedding`."""

from __future__ import annotations

import os
import re
from itertools import product
from pathlib import Path

import numpy as np
from xim_engine_oneapi.embed import OpenVINOEncoder
from xim_worker import Context, Plan

ROOT = Path(__file__).parents[4]
CACHE = Path(os.environ.get("XIM_MODEL_CACHE", ROOT / ".model_cache"))
MODEL = "models--sentence-transformers--all-MiniLM-L6-v2/snapshots/*/model.onnx"


def resident_mebibytes() -> float:
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def test_memory_levels_over_batches_of_different_shapes() -> None:
    [model] = CACHE.glob(MODEL)
    options = {"streams": 1}
    encoder = OpenVINOEncoder(Context({}, str(model.parent), options, Plan(1, 4, 0, 256), 0, lambda step, part: None))
    shapes = list(product(range(1, 13), range(4, 32)))
    np.random.default_rng(0).shuffle(shapes)

    def run(some: list[tuple[int, int]]) -> None:
        for shape in some:
            with encoder.forward(np.ones(shape, np.int64), np.ones(shape, np.int64)):
                pass

    run([(12, 32), *shapes[:168]])
    before = resident_mebibytes()
    run(shapes[168:])
    # Kernels that are kept for every shape take 300 MiB.
    assert resident_mebibytes() - before < 120
