"""Checks a speech service with the official Python client. Run by speech-clients.test.ts; the argument is its address.

The engine behind it hums a tone of 0.06 s per character at 24 kHz.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import wave
from pathlib import Path

import openai

MODEL = "xim/echo-speak"
TEXT = "hello there, and a few words more"
SAMPLES = round(len(TEXT) * 0.06 * 24_000)


def check(client: openai.OpenAI, folder: Path) -> None:
    speech = client.audio.speech
    with speech.with_streaming_response.create(
        model=MODEL, voice="alloy", input=TEXT, response_format="wav", speed=1.0
    ) as response:
        assert response.headers["content-type"] == "audio/wav", response.headers
        response.stream_to_file(folder / "a.wav")
    with wave.open(str(folder / "a.wav")) as recording:
        assert recording.getnframes() == SAMPLES, recording.getparams()

    with speech.with_streaming_response.create(
        model=MODEL, voice="alloy", input=TEXT, response_format="pcm"
    ) as response:
        pieces = list(response.iter_bytes(4096))
    assert sum(map(len, pieces)) == 2 * SAMPLES

    whole = speech.create(model=MODEL, voice={"id": "alloy"}, input=TEXT, response_format="pcm")
    assert whole.content == b"".join(pieces)

    with speech.with_streaming_response.create(
        model=MODEL, voice="alloy", input=TEXT, response_format="pcm", stream_format="sse"
    ) as response:
        lines = [line for line in response.iter_lines() if line]
    assert all(line.startswith('data: {"type":"speech.audio.') for line in lines), lines[:1]

    try:
        speech.create(model=MODEL, voice="alloy", input=TEXT, response_format="pcm", speed=9)
    except openai.BadRequestError as error:
        assert (error.param, error.code) == ("speed", "invalid_value"), error
    else:
        raise AssertionError("a speed of 9 was taken")


async def check_async(url: str) -> None:
    client = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    answer = client.audio.speech.with_streaming_response.create(
        model=MODEL, voice="alloy", input=TEXT, response_format="pcm"
    )
    async with client, answer as response:
        size = sum([len(piece) async for piece in response.iter_bytes()])
    assert size == 2 * SAMPLES, size


def main(url: str) -> None:
    with tempfile.TemporaryDirectory() as folder, openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        check(client, Path(folder))
    asyncio.run(check_async(url))
    print(f"openai {openai.__version__}: all as it should be")


main(sys.argv[1])
