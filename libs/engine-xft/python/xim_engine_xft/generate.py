"""The task `generate`: a converted model as a model runner for the generation runtime."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path
from typing import cast

from xim_generation.chat.tokenizer import open_tokenizer
from xim_generation.handler import GenerateHandler
from xim_generation.runner import Floats, LogSumExp, RunnerLimits
from xim_worker import Context, Info, Runtime, StartError

from .amx import request_tiles
from .model_files import ModelFiles, read_model
from .probe import probe
from .xft_runner import Library, XftRunner

DEFAULT_CONTEXT = 8192
"""Tokens that each slot reserves without an option of the profile, unless the model takes fewer tokens."""


class Generate(GenerateHandler):
    """A StepHandler. The profile's options: `dtype` and `kvDtype` of the computation, `isa` that it uses here,
    `contextLength`, tokens that each slot reserves."""

    def __init__(self) -> None:
        super().__init__(open_runner)


def open_runner(context: Context) -> XftRunner:
    files = read_model(Path(context.model_path))
    tokenizer = open_tokenizer(Path(context.model_path), "a converted model needs its tokenizer.json beside it")
    context_length = fit_context(files, context)
    model = open_model(context)
    limits = RunnerLimits(
        vocabulary=files.vocabulary,
        context_length=context_length,
        block_tokens=0,
        blocks=0,
        batch_tokens=max(context.plan.batch_tokens, context.plan.slots),
        mixed=False,
        whole_prompts=True,
    )
    runtime, dtype = describe(context)
    return XftRunner(model, tokenizer, limits, runtime, dtype, _open_sums())


def _open_sums() -> LogSumExp | None:
    """PyTorch's, on all threads; numpy computes one row after the other. The library itself needs PyTorch."""
    try:
        import torch
    except ModuleNotFoundError:
        return None

    def log_sum_exp(logits: Floats, scales: Floats) -> Floats:
        sums: Floats = torch.logsumexp(torch.from_numpy(logits) * torch.from_numpy(scales)[:, None], 1).numpy()
        return sums

    return log_sum_exp


def open_model(context: Context) -> Library:
    """Loads the model in this process, after a child process has tried the library. All ranks do this together."""
    options = context.options
    dtype, kv_dtype = options["dtype"], options.get("kvDtype", "fp16")
    if str(options["isa"]).startswith("amx"):
        refused = request_tiles()
        if refused is not None:
            advice = "take a kernel from 5.16 on, or another dtype"
            raise StartError(f"the kernel does not let this process use AMX ({refused}): {advice}", permanent=True)
    if context.rank == 0:
        context.progress("trying xFasterTransformer in a child process", None)
        probe(dtype, kv_dtype, single_rank_environment())
    context.progress("reading weights", None)
    import xfastertransformer

    return cast(Library, xfastertransformer.AutoModel.from_pretrained(context.model_path, dtype, kv_dtype))


def open_following(context: Context) -> tuple[Library, Info]:
    """For a rank above 0, which handles no text."""
    read_model(Path(context.model_path))
    runtime, dtype = describe(context)
    info = Info(runtime=runtime, models=[context.model["id"]], dtype=dtype, slots=context.plan.slots)
    return open_model(context), info


def describe(context: Context) -> tuple[Runtime, str]:
    version = importlib.metadata.version("xfastertransformer")
    return Runtime(name="xfastertransformer", version=version, isa=context.options["isa"]), context.options["dtype"]


def fit_context(files: ModelFiles, context: Context) -> int:
    """Tokens that each of the plan's slots reserves, prompt and output together."""
    most = min(files.context_length, int(context.model["shape"].get("contextLength", files.context_length)))
    wanted = int(context.options.get("contextLength", min(most, DEFAULT_CONTEXT)))
    if wanted > most:
        message = f"the profile's contextLength is {wanted}, and the model takes {most} tokens: lower it"
        raise StartError(message, permanent=True)
    budget = context.plan.kv_cache_bytes
    if budget == 0:
        return wanted
    per_token = kv_bytes_per_token(files, context.options.get("kvDtype", "fp16"))
    fitting = budget // (context.plan.slots * per_token)
    if fitting < 1:
        raise StartError(
            f"the plan gives the key-value cache {budget} bytes, and one token in each of {context.plan.slots} slots "
            f"takes {context.plan.slots * per_token}: lower XIM_SLOTS, or raise XIM_KV_CACHE_BYTES",
            permanent=True,
        )
    return min(wanted, fitting)


def kv_bytes_per_token(files: ModelFiles, kv_dtype: str) -> int:
    """Keys and values of all layers; in int8 with a scale (f32) for each head (src/common/kvcache_tensor.h)."""
    head = files.head_size + 4 if kv_dtype == "int8" else 2 * files.head_size
    return 2 * files.layers * files.kv_heads * head


def single_rank_environment() -> dict[str, str]:
    """The environment of this process without variables of a launcher: with them the import waits for other ranks."""
    marks = ("PMI", "MPI_", "I_MPI", "HYDRA", "MPIR_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(marks)}
    return {**kept, "SINGLE_INSTANCE": "1"}
