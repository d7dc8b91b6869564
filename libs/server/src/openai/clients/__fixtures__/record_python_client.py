"""Makes the calls of a JSON file with the official Python client and prints its version (record-clients.ts)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import openai


def main(base_url: str, calls_file: str) -> None:
    client = openai.OpenAI(base_url=base_url, api_key="test-key")
    for call in json.loads(Path(calls_file).read_text(encoding="utf-8")):
        method: Any = client
        for name in call["method"].split("."):
            method = getattr(method, name)
        answer = method(**call["arguments"])
        if call["arguments"].get("stream"):
            for _ in answer:
                pass
    print(openai.__version__)


if __name__ == "__main__":
    main(*sys.argv[1:])
