"""Checks a service with huggingface_hub's own client of Text Generation Inference. Run by tgi-clients.test.ts.

Arguments: the base addresses of a service whose engine echoes and of one whose engine dies on the way.
"""

from __future__ import annotations

import asyncio
import json
import sys

import huggingface_hub
from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import IncompleteGenerationError, ValidationError

TEXT = "Zwölf Boxkämpfer 東京 🙂\u2028Ende"


def check_whole(client: InferenceClient) -> None:
    # Without the parameter this path begins with the prompt, as Text Generation Inference has it.
    assert client.text_generation(TEXT) == TEXT + TEXT
    assert client.text_generation(TEXT, return_full_text=False) == TEXT
    answer = client.text_generation(
        TEXT,
        details=True,
        decoder_input_details=True,
        return_full_text=False,
        stop=["pfer"],
        top_n_tokens=2,
    )
    details = answer.details
    assert answer.generated_text == "Zwölf Boxkämpfer", answer
    assert details and details.finish_reason == "stop_sequence", details
    assert "".join(token.text for token in details.tokens) == answer.generated_text
    assert details.generated_tokens == len(details.tokens) and len(details.prefill) > len(details.tokens)
    assert details.top_tokens and len(details.top_tokens[0]) == 2

    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    shaped = client.text_generation(TEXT, grammar={"type": "json", "value": schema}, return_full_text=False)
    assert json.loads(shaped) == {"a": 1}
    best = client.text_generation(TEXT, best_of=2, do_sample=True, details=True).details
    assert best and best.best_of_sequences and len(best.best_of_sequences) == 1


def check_stream(client: InferenceClient) -> None:
    assert "".join(client.text_generation(TEXT, stream=True)) == TEXT
    events = list(client.text_generation(TEXT, stream=True, details=True, return_full_text=False, max_new_tokens=4))
    assert [event.index for event in events] == [1, 2, 3, 4], events
    # The third token is half a character.
    assert [event.token.text for event in events] == ["Z", "w", "", "ö"], events
    assert [event.generated_text is None for event in events] == [True, True, True, False]
    last = events[-1].details
    assert last and (last.finish_reason, last.generated_tokens) == ("length", 4), last


def check_errors(client: InferenceClient, dying: InferenceClient) -> None:
    for options in ({"top_p": 1.5}, {"watermark": True}, {"best_of": 2}, {"max_new_tokens": 512}):
        try:
            client.text_generation(TEXT, **options)
        except ValidationError as error:
            assert str(error).startswith("Input validation error: "), error
        else:
            raise AssertionError(f"{options} was not refused")
    seen: list[str] = []
    try:
        for text in dying.text_generation(TEXT, stream=True):
            seen.append(text)
    except IncompleteGenerationError:
        assert seen == ["a"], seen
    else:
        raise AssertionError("the stream did not fail")


async def check_async(url: str) -> None:
    async with AsyncInferenceClient(model=url) as client:
        whole = await client.text_generation(TEXT, return_full_text=False)
        parts = [part async for part in await client.text_generation(TEXT, stream=True)]
        assert (whole, "".join(parts)) == (TEXT, TEXT)


def main(url: str, dying_url: str) -> None:
    client = InferenceClient(model=url)
    check_whole(client)
    check_stream(client)
    check_errors(client, InferenceClient(model=dying_url))
    asyncio.run(check_async(url))
    print(f"huggingface_hub {huggingface_hub.__version__}: all as it should be")


if __name__ == "__main__":
    main(*sys.argv[1:])
