"""The bare loop that chat is measured against: the same library, model and scheduler settings, without XIM.

usage: bare_chat.py MODEL.gguf SETTINGS-JSON THREADS

Reads lines `{"streams": 8, "requests": 16, "tokens": 64, "offset": 0, "prompt": "… {number} …", "constraint": {…}}`;
answers each with `{"tokens", "seconds", "first": [s…], "perToken": [s…]}`. Text is decoded, as any use of it would.
The prompt is as the template writes it; the constraint, an input's `format` or `prompt` with tools, is held by the
library's own grammars.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import openvino_genai as genai

_Structured = genai.StructuredOutputConfig


def main() -> None:
    path, settings, threads = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    scheduler = genai.SchedulerConfig()
    for key, value in settings.items():
        setattr(scheduler, key, value)
    pipeline = genai.ContinuousBatchingPipeline(path, scheduler, "CPU", {"INFERENCE_NUM_THREADS": threads})
    for line in sys.stdin:
        print(json.dumps(run(pipeline, **json.loads(line))), flush=True)


def run(
    pipeline: Any,
    streams: int,
    requests: int,
    tokens: int,
    offset: int,
    prompt: str,
    constraint: dict[str, Any] | None = None,
) -> dict[str, Any]:
    tokenizer = pipeline.get_tokenizer()
    config = genai.GenerationConfig(max_new_tokens=tokens, do_sample=False)
    if constraint is not None:
        config.structured_output_config = to_structured(constraint)
    waiting = list(range(offset, offset + requests))
    live: dict[int, tuple[Any, float, list[int], list[float]]] = {}
    first: list[float] = []
    per_token: list[float] = []
    total = 0
    began = time.perf_counter()
    while waiting or live:
        while waiting and len(live) < streams:
            number = waiting.pop(0)
            asked = time.perf_counter()
            ids = tokenizer.encode(prompt.replace("{number}", str(number)), add_special_tokens=False).input_ids
            live[number] = (pipeline.add_request(number, ids, config), asked, [], [])
        pipeline.step()
        for number, (handle, asked, ids, times) in list(live.items()):
            while handle.can_read():
                for output in handle.read().values():
                    ids += output.generated_ids
                times.append(time.perf_counter())
            if handle.get_status() != genai.GenerationStatus.RUNNING:
                tokenizer.decode(ids)
                total += len(ids)
                first.append(times[0] - asked)
                per_token.append((times[-1] - times[0]) / max(1, len(ids) - 1))
                del live[number]
    return {"tokens": total, "seconds": time.perf_counter() - began, "first": first, "perToken": per_token}


def to_structured(constraint: dict[str, Any]) -> Any:
    if "format" in constraint:
        return _Structured(json_schema=json.dumps(constraint["format"]["schema"]))
    tags = [
        _Structured.Tag(
            f'<tool_call>\n{{"name": "{tool["name"]}", "arguments": ',
            _Structured.JSONSchema(json.dumps(tool["parameters"])),
            "}\n</tool_call>",
        )
        for tool in constraint["prompt"]["tools"]
    ]
    return _Structured(structural_tags_config=_Structured.TriggeredTags(["<tool_call>"], tags, at_least_one=True))


main()
