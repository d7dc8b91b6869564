"""The task `generate`: a GGUF file or OpenVINO IR as a model runner; everything else is the generation runtime's."""

from __future__ import annotations

import openvino as ov
from xim_generation.chat.tokenizer import Tokenizer, open_tokenizer
from xim_generation.handler import GenerateHandler
from xim_worker import Context, StartError

from .gguf import build_model, read_header, read_tokenizer
from .int8_products import INT8_GROUP, becomes_int8
from .joined_products import join_products
from .openvino_runner import OpenVinoRunner, compile_paged
from .paged_model import is_stateful, to_paged
from .weights import IR, find_weights, weight_bytes


class Generate(GenerateHandler):
    """A StepHandler. The profile's options: `exact` (f32 everywhere), `kvCache` (dtype of the cache)."""

    def __init__(self) -> None:
        super().__init__(open_runner)


def open_runner(context: Context) -> OpenVinoRunner:
    path = find_weights(context, ".gguf", IR)
    context.progress("reading weights", None)
    if path.name == IR:
        model = ov.Core().read_model(str(path))
        if not is_stateful(model):
            message = f"{path} keeps no keys and values as state; export it as text-generation-with-past"
            raise StartError(message, permanent=True)
        model, tokenizer = to_paged(model), open_tokenizer(path.parent, "IR needs its tokenizer.json beside it")
        join_products(model)
    else:
        header = read_header(path)
        parts = dict(vars(read_tokenizer(header)))
        tokenizer = Tokenizer(parts.pop("backend"), **parts)
        group = INT8_GROUP if becomes_int8(context, header, weight_bytes(path)) else None
        model = build_model(header, lambda share: context.progress("reading weights", share), group)
    context.progress("compiling the model", None)
    return OpenVinoRunner(compile_paged(model, context), tokenizer, context)
