"""The bare loop that embedding is measured against: the same library, model and tokenizer, without XIM.

usage: bare_embedding.py FOLDER THREADS

Reads lines `{"texts": […], "batch": 32}`; answers each with `{"texts", "seconds", "calls": [s…]}`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import numpy as np
import openvino as ov
from tokenizers import Tokenizer


def main() -> None:
    folder, threads = sys.argv[1], int(sys.argv[2])
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    model = ov.Core().compile_model(f"{folder}/model.onnx", "CPU", {"INFERENCE_NUM_THREADS": threads})
    request = model.create_infer_request()
    for line in sys.stdin:
        print(json.dumps(run(tokenizer, request, **json.loads(line))), flush=True)


def run(tokenizer: Any, request: Any, texts: list[str], batch: int) -> dict[str, Any]:
    calls = []
    began = time.perf_counter()
    for at in range(0, len(texts), batch):
        start = time.perf_counter()
        embed(tokenizer, request, texts[at : at + batch])
        calls.append(time.perf_counter() - start)
    return {"texts": len(texts), "seconds": time.perf_counter() - began, "calls": calls}


def embed(tokenizer: Any, request: Any, texts: list[str]) -> Any:
    """Unit vectors `[texts, dimensions]`: mean over the mask, then length one."""
    encoded = tokenizer.encode_batch(texts)
    longest = max(len(each.ids) for each in encoded)
    ids = np.zeros((len(texts), longest), np.int64)
    mask = np.zeros((len(texts), longest), np.int64)
    for row, each in enumerate(encoded):
        ids[row, : len(each.ids)] = each.ids
        mask[row, : len(each.ids)] = 1
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    hidden = request.infer(inputs, share_inputs=True, share_outputs=True)[0]
    pooled = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)


main()
