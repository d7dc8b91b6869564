"""GenAI's continuous batching pipeline, as the plan and the profile's options want it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openvino_genai as genai
from xim_worker import Context

from .weights import IR, writable_file


def to_properties(context: Context) -> dict[str, Any]:
    """OpenVINO's properties for the device CPU."""
    properties: dict[str, Any] = {
        "INFERENCE_NUM_THREADS": context.plan.threads,
        "ENABLE_CPU_PINNING": False,
    }
    if context.options.get("exact"):
        # Other settings round differently for one row than for several: a text then depends on its company.
        properties |= {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0}
    return properties


def caches_prefixes(context: Context) -> bool:
    """A prompt of which a part is in the cache has no probabilities for that part: an option turns it off."""
    return bool(context.options.get("prefixCache", True))


def open_pipeline(
    path: Path, context: Context, properties: dict[str, Any], blocks: int
) -> genai.ContinuousBatchingPipeline:
    """`path`: a GGUF file, or the IR of a folder. `blocks`: of the key-value cache.

    The profile's chat template replaces the model's where it names one.
    """
    scheduler = genai.SchedulerConfig()
    scheduler.cache_size = 0
    scheduler.num_kv_blocks = blocks
    scheduler.max_num_seqs = context.plan.slots
    scheduler.max_num_batched_tokens = context.plan.batch_tokens
    scheduler.dynamic_split_fuse = True
    scheduler.enable_prefix_caching = caches_prefixes(context)
    if path.name == IR:
        pipeline = genai.ContinuousBatchingPipeline(str(path.parent), scheduler, "CPU", properties)
    else:
        with writable_file(path) as file:
            pipeline = genai.ContinuousBatchingPipeline(str(file), scheduler, "CPU", properties)
    if "chatTemplate" in context.options:
        pipeline.get_tokenizer().set_chat_template(context.options["chatTemplate"])
    return pipeline
