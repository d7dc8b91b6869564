"""Batches of tokens on plain OpenVINO with paged attention: prompts and single tokens in one inference."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import openvino as ov
from xim_generation.chat.tokenizer import Tokenizer
from xim_generation.runner import Batch, Floats, RunnerLimits, blocks_for
from xim_worker import Context, Runtime, StartError

from .int8_products import activation_groups
from .row_sums import RowSums
from .runtime import describe_runtime, probe_model

BLOCK_TOKENS = 32
"""Tokens of a block of the key-value cache: a constant of OpenVINO's CPU plugin."""


KV_DTYPES = {"u8": ov.Type.u8, "f16": ov.Type.f16, "bf16": ov.Type.bf16, "f32": ov.Type.f32}
"""Values of the profile's option `kvCache`: the dtype of keys and values. Without it OpenVINO chooses, u8 here."""


def compile_paged(model: ov.Model, context: Context) -> ov.CompiledModel:
    """The model for the device CPU. Raises StartError, permanent, where the option `kvCache` cannot be used here."""
    try:
        return ov.Core().compile_model(model, "CPU", to_properties(context) | activation_groups(model, context))
    except RuntimeError as error:
        asked = context.options.get("kvCache")
        if asked is None:
            raise
        raise StartError(
            f"OpenVINO refuses a key-value cache of {asked} on this host: give the profile's option kvCache another "
            f"value ({', '.join(KV_DTYPES)}), or leave it out ({_reason(error)})",
            permanent=True,
        ) from error


def _reason(error: RuntimeError) -> str:
    """The last line of OpenVINO's message that has words; the lines before it name places in its source."""
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), "no reason given")


class OpenVinoRunner:
    """A ModelRunner. The key-value cache has the plan's bytes, in blocks of `BLOCK_TOKENS` tokens."""

    def __init__(self, compiled: ov.CompiledModel, tokenizer: Tokenizer, context: Context) -> None:
        """`compiled`: a model as `paged_model.to_paged` describes it, with the properties of `to_properties`."""
        self.tokenizer = tokenizer
        self._properties = to_properties(context)
        self._request = compiled.create_infer_request()
        self.log_sum_exp = RowSums(context.plan.threads)
        caches = [port for port in compiled.inputs if "_cache." in port.any_name]
        blocks = blocks_for(context, sum(_block_bytes(port) for port in caches), BLOCK_TOKENS)
        for port in caches:
            # Memory is taken when a block is written for the first time.
            self._request.set_tensor(port, ov.Tensor(port.element_type, ov.Shape([blocks, *_block_shape(port)])))
        self.limits = RunnerLimits(
            vocabulary=compiled.outputs[0].partial_shape[-1].get_length(),
            context_length=min(int(context.model["shape"]["contextLength"]), blocks * BLOCK_TOKENS),
            block_tokens=BLOCK_TOKENS,
            blocks=blocks,
            batch_tokens=max(context.plan.batch_tokens, context.plan.slots),
            kv_dtype=caches[0].element_type.to_string() if caches else None,
        )

    def forward(self, batch: Batch) -> Floats:
        inputs = {
            "input_ids": batch.tokens,
            "position_ids": batch.positions,
            "past_lens": batch.past,
            "subsequence_begins": batch.begins,
            "block_indices": batch.blocks,
            "block_indices_begins": batch.block_begins,
            "max_context_len": np.array((batch.past + np.diff(batch.begins)).max(), np.int32),
            "rows": batch.rows,
        }
        for name, value in inputs.items():
            self._request.set_tensor(name, ov.Tensor(value, shared_memory=True))
        self._request.infer()
        logits: Floats = self._request.get_output_tensor(0).data
        # Exporters keep an axis of one token between rows and vocabulary.
        return logits.reshape(-1, self.limits.vocabulary)

    def release(self, sequence: int) -> None:
        """The scheduler gives blocks back; nothing else is kept of a sequence."""

    def describe(self) -> tuple[Runtime, str]:
        # Kernels depend on the number of rows: a product of many rows shows the best kernel in use.
        return describe_runtime(probe_model(self._properties))


def to_properties(context: Context) -> dict[str, Any]:
    """OpenVINO's properties for the device CPU."""
    properties: dict[str, Any] = {
        "INFERENCE_NUM_THREADS": context.plan.threads,
        "ENABLE_CPU_PINNING": False,
        "NUM_STREAMS": 1,
    }
    if context.options.get("exact"):
        # Other settings round differently for one row than for several: a text then depends on its company.
        properties |= {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0}
    # What a cache of 8-bit numbers gives back depends on the parts in which a prompt was read.
    asked = context.options.get("kvCache", "f32" if context.options.get("exact") else None)
    if asked is not None:
        if asked not in KV_DTYPES:
            raise StartError(
                f"the profile's option kvCache is {asked!r}; expected one of {', '.join(KV_DTYPES)}", permanent=True
            )
        properties["KV_CACHE_PRECISION"] = KV_DTYPES[asked]
    return properties


def _block_shape(port: ov.Output) -> list[int]:
    """The cache's shape without its first dimension, the blocks; the plugin decided it while compiling."""
    return [dimension.get_length() for dimension in list(port.partial_shape)[1:]]


def _block_bytes(port: ov.Output) -> int:
    bits: int = port.element_type.bitwidth
    return prod(_block_shape(port)) * bits // 8
