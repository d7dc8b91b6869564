"""The bare loop that pictures are measured against: the same pipeline in diffusers, without a service around it.

usage: bare_images.py FOLDER THREADS STREAMS

Reads lines `{"prompt", "seed", "size", "steps"}`, `size` in pixels of a side; answers each with `{"seconds", "rest"}`:
the time of the picture as base64 of a PNG, and its part after the last step. `STREAMS` is 1.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import time
from typing import Any

import torch
from diffusers import DiffusionPipeline


def main() -> None:
    folder, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    # The service takes bf16 on a host with kernels for it.
    dtype = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32
    pipeline: Any = DiffusionPipeline.from_pretrained(folder, dtype=dtype, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    for line in sys.stdin:
        print(json.dumps(draw(pipeline, **json.loads(line))), flush=True)


def draw(pipeline: Any, prompt: str, seed: int, size: int, steps: int) -> dict[str, float]:
    last = 0.0

    def note(_pipeline: Any, _step: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        nonlocal last
        last = time.perf_counter()
        return tensors

    began = time.perf_counter()
    generator = torch.Generator().manual_seed(seed)
    size_and_steps = {"width": size, "height": size, "num_inference_steps": steps}
    (image,) = pipeline(prompt, generator=generator, callback_on_step_end=note, **size_and_steps).images
    file = io.BytesIO()
    image.save(file, "png")
    base64.b64encode(file.getvalue())
    ended = time.perf_counter()
    return {"seconds": ended - began, "rest": ended - last}


main()
