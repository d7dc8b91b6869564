"""The task `generate`: a causal language model of Transformers as a model runner for the generation runtime."""

from __future__ import annotations

import sys
from pathlib import Path

from xim_generation.chat.tokenizer import open_tokenizer
from xim_generation.handler import GenerateHandler
from xim_generation.runner import ModelRunner
from xim_worker import Context, StartError

from .language_model import read_language_model
from .paged_runner import PagedRunner
from .pages import Unsupported
from .sequence_runner import SequenceRunner
from .torch_runtime import open_runtime


class Generate(GenerateHandler):
    """A StepHandler. The profile's option `dtype`: `f32` or `bf16`."""

    def __init__(self) -> None:
        super().__init__(open_runner)


def open_runner(context: Context) -> ModelRunner:
    folder = Path(context.model_path)
    runtime = open_runtime(context, parallel=1, default="bf16")
    tokenizer = open_tokenizer(folder, "a model needs its tokenizer.json beside its weights")
    context.progress("reading weights", None)
    model = read_language_model(folder, runtime)
    before = model.config._attn_implementation
    try:
        return PagedRunner(model, tokenizer, runtime, context)
    except StartError:
        raise
    # A model that does not expect this attention may fail with any exception; its own attention still works.
    except Exception as error:
        reason = str(error) if isinstance(error, Unsupported) else f"{type(error).__name__}: {error}"
        print(f"{type(model).__name__} computes one sequence after the other: {reason}", file=sys.stderr)
    model.set_attn_implementation(before)
    return SequenceRunner(model, tokenizer, runtime, context)
