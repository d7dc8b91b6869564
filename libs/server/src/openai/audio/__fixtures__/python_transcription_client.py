"""Checks a transcription service with the official Python client. Run by clients.test.ts with the base address and a
folder that holds `a.wav`, five seconds long, in which the echo engine hears a sentence every two seconds."""

from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path

import openai

TEXT = "From 0.0 to 2.0 seconds. From 2.0 to 4.0 seconds. From 4.0 to 5.0 seconds."
MODEL = "whisper-1"


def check(client: openai.OpenAI, wav: Path) -> None:
    create = client.audio.transcriptions.create
    with wav.open("rb") as file:
        assert create(file=file, model=MODEL).text == TEXT
    assert create(file=wav, model=MODEL, response_format="text") == TEXT + "\n"
    assert create(file=wav, model=MODEL, response_format="srt").startswith("1\n00:00:00,000 --> 00:00:02,000\n")
    assert create(file=wav, model=MODEL, response_format="vtt").startswith("WEBVTT\n\n")
    verbose = create(
        file=("a.webm", wav.read_bytes(), "video/webm"),
        model=MODEL,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        language="en",
        temperature=0.2,
        chunking_strategy={"type": "server_vad", "threshold": 0.4},
    )
    assert (verbose.language, verbose.duration, verbose.text) == ("english", 5, TEXT), verbose
    assert verbose.words is not None and verbose.segments is not None
    assert (len(verbose.words), len(verbose.segments)) == (15, 3), verbose
    reference = "data:audio/wav;base64," + base64.b64encode(wav.read_bytes()).decode()
    diarized = create(
        file=wav,
        model=MODEL,
        response_format="diarized_json",
        chunking_strategy="auto",
        known_speaker_names=["agent", "customer"],
        known_speaker_references=[reference, reference],
    )
    assert [segment.speaker for segment in diarized.segments] == ["agent", "customer", "agent"], diarized
    assert create(file=wav, model=MODEL, include=["logprobs"]).logprobs
    translation = client.audio.translations.create(file=wav, model=MODEL, prompt="a")
    assert translation.text.startswith("In English, from 0.0"), translation
    try:
        create(file=("a.wav", b"noise"), model=MODEL)
    except openai.BadRequestError as error:
        assert error.param == "file", error
    else:
        raise AssertionError("noise was taken for a recording")


async def check_stream(client: openai.AsyncOpenAI, wav: Path) -> None:
    events = [event async for event in await client.audio.transcriptions.create(file=wav, model=MODEL, stream=True)]
    assert "".join(event.delta for event in events if event.type == "transcript.text.delta") == TEXT, events
    done = events[-1]
    assert done.type == "transcript.text.done" and done.text == TEXT and done.usage is not None, done
    assert done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens


def main() -> None:
    base, wav = sys.argv[1], Path(sys.argv[2]) / "a.wav"
    check(openai.OpenAI(base_url=base, api_key="none", max_retries=0), wav)
    asyncio.run(check_stream(openai.AsyncOpenAI(base_url=base, api_key="none", max_retries=0), wav))
    print(f"openai {openai.__version__}: all as it should be")


main()
