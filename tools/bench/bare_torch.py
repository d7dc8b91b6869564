"""The bare loops that the engine ipex is measured against: Transformers with the same weights, dtype and threads.

usage: bare_torch.py generate|embed FOLDER f32|bf16 THREADS

generate: continuous batching of Transformers. Reads lines `{"streams": 8, "requests": 16, "tokens": 64, "prompt": "…
{number} …", "offset": 0}`; answers each with `{"count", "seconds"}`, the count of new tokens.
embed: batches of 32 in the order of their lengths, mean of the last states, unit vectors, as Sentence Transformers
encodes. Reads lines `{"texts": […]}`; answers each with `{"count", "seconds"}`, the count of texts.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch
from tokenizers import Tokenizer
from transformers import AutoModel, AutoModelForCausalLM, ContinuousBatchingConfig, GenerationConfig

_BATCH = 32
_DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
# On a CPU the attention multiplies all rows of a step with the whole cache, so both are as small as the work allows.
_CACHE = {"num_blocks": 64, "page_size": 32, "max_batch_tokens": 64}

_PATIENCE = 600
"""Seconds for a result."""


def main() -> None:
    task, folder, dtype, threads = sys.argv[1], sys.argv[2], _DTYPES[sys.argv[3]], int(sys.argv[4])
    torch.set_num_threads(threads)
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    run = _open_generate(folder, dtype, tokenizer) if task == "generate" else _open_embed(folder, dtype, tokenizer)
    for line in sys.stdin:
        began = time.perf_counter()
        count = run(**json.loads(line))
        print(json.dumps({"count": count, "seconds": time.perf_counter() - began}), flush=True)
    # The thread of the manager would keep the process.
    os._exit(0)


def _open_generate(folder: str, dtype: torch.dtype, tokenizer: Tokenizer) -> Callable[..., int]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa").eval()
    settings = GenerationConfig(do_sample=False, eos_token_id=-1, pad_token_id=0)
    config = ContinuousBatchingConfig(**_CACHE)
    manager = model.init_continuous_batching(settings, config)
    manager.start()

    def run(streams: int, requests: int, tokens: int, prompt: str, offset: int) -> int:
        waiting = list(range(offset, offset + requests))
        live = count = 0
        while waiting or live:
            while waiting and live < streams:
                text = prompt.replace("{number}", str(waiting.pop()))
                manager.add_request(tokenizer.encode(text, add_special_tokens=False).ids, max_new_tokens=tokens)
                live += 1
            result = manager.get_result(timeout=_PATIENCE)
            if result is None:
                raise RuntimeError(f"no result within {_PATIENCE} s: {manager.background_thread_status.fatal_error}")
            if result.is_finished():
                tokenizer.decode(result.generated_tokens)
                count += len(result.generated_tokens)
                live -= 1
        return count

    return run


def _open_embed(folder: str, dtype: torch.dtype, tokenizer: Tokenizer) -> Callable[..., int]:
    model: Any = AutoModel.from_pretrained(folder, dtype=dtype).eval()
    tokenizer.enable_padding()

    def run(texts: list[str]) -> int:
        ordered = sorted(texts, key=len, reverse=True)
        with torch.inference_mode():
            for at in range(0, len(ordered), _BATCH):
                encoded = tokenizer.encode_batch(ordered[at : at + _BATCH])
                mask = torch.tensor([each.attention_mask for each in encoded])
                ids = torch.tensor([each.ids for each in encoded])
                states = model(input_ids=ids, attention_mask=mask).last_hidden_state
                weights = mask.unsqueeze(-1).to(states.dtype)
                pooled = (states * weights).sum(1) / weights.sum(1)
                torch.nn.functional.normalize(pooled, dim=1).float().numpy()
        return len(texts)

    return run


if __name__ == "__main__":
    main()
