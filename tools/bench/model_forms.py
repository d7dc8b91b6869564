"""Which form of a language model is the fastest on this host: GGUF, or IR that `xim-models convert` made.

usage: model_forms.py THREADS FORM…    FORM: a GGUF file, or a folder with openvino_model.xml

All forms in one process, in turns, by tokens and not by text (tokenizers of two exports may differ, and with them the
length of a prompt). Prints tokens/s of 1, 8 and 32 streams and of a prompt of 480
tokens: medians of five rounds, the first not counted.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import openvino as ov
import openvino_genai as genai

ROUNDS = 6
TOKENS = 48
PROMPT = 480
_ids = itertools.count()


def main() -> None:
    threads, forms = int(sys.argv[1]), sys.argv[2:]
    pipelines = {form: open_form(form, threads) for form in forms}
    measures: dict[str, Callable[[Any], float]] = {
        **{f"{streams} streams": lambda pipeline, streams=streams: decode(pipeline, streams) for streams in (1, 8, 32)},
        "prompt": prefill,
    }
    rates: dict[str, dict[str, list[float]]] = {form: {name: [] for name in measures} for form in forms}
    for _ in range(ROUNDS):
        for form, pipeline in pipelines.items():
            for name, measure in measures.items():
                rates[form][name].append(measure(pipeline))
    for form in forms:
        print(form)
        for name, found in rates[form].items():
            counted = found[1:]
            print(f"  {name:10} {median(counted):6.0f} tokens/s  [{min(counted):.0f}, {max(counted):.0f}]")


def open_form(form: str, threads: int) -> Any:
    scheduler = genai.SchedulerConfig()
    scheduler.cache_size = 1
    scheduler.max_num_seqs = 64
    scheduler.max_num_batched_tokens = 512
    return genai.ContinuousBatchingPipeline(form, scheduler, "CPU", {"INFERENCE_NUM_THREADS": threads})


def add(pipeline: Any, prompt: int, tokens: int) -> Any:
    config = genai.GenerationConfig(max_new_tokens=tokens, do_sample=False, ignore_eos=True)
    ids = ov.Tensor(np.random.randint(1000, 40_000, (1, prompt)))
    return pipeline.add_request(next(_ids), ids, config)


def decode(pipeline: Any, streams: int) -> float:
    """Tokens per second after the first of each stream."""
    # Whose handle is gone counts as cancelled.
    handles = [add(pipeline, 12, TOKENS) for _ in range(streams)]
    pipeline.step()
    began = time.perf_counter()
    while any(handle.get_status() == genai.GenerationStatus.RUNNING for handle in handles):
        pipeline.step()
    return streams * (TOKENS - 1) / (time.perf_counter() - began)


def prefill(pipeline: Any) -> float:
    """Tokens per second of a prompt, the first two output tokens included."""
    began = time.perf_counter()
    handle = add(pipeline, PROMPT, 2)
    while handle.get_status() == genai.GenerationStatus.RUNNING:
        pipeline.step()
    return PROMPT / (time.perf_counter() - began)


main()
