"""Checks two picture services with the official Python client. Run by clients.test.ts with their addresses.

The engine behind the first draws a PNG of 64 × 64 pixels out of a text. The one behind the second edits: its pictures
are the file that was sent, its unfinished ones the mask.
"""

from __future__ import annotations

import asyncio
import base64
import struct
import sys
import tempfile
from pathlib import Path

import openai

MODEL = "xim/echo-generateImage"
PROMPT = "a lighthouse at night"


def decode(encoded: str | None) -> bytes:
    assert encoded is not None
    return base64.b64decode(encoded, validate=True)


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height (https://www.w3.org/TR/png-3/#11IHDR)."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n"), png[:8]
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def check_generation(client: openai.OpenAI) -> tuple[bytes, bytes]:
    """The two pictures of an answer, which differ."""
    answer = client.images.generate(model=MODEL, prompt=PROMPT, n=2, response_format="b64_json")
    first, second = (decode(picture.b64_json) for picture in answer.data or [])
    assert size_of(first) == size_of(second) == (64, 64)
    assert first != second
    assert (answer.size, answer.output_format, answer.background) == ("64x64", "png", "opaque"), answer
    assert answer.usage is not None
    assert answer.usage.input_tokens_details.text_tokens == len(PROMPT.split()), answer.usage

    sized = client.images.generate(
        model=MODEL, prompt=PROMPT, size="256x256", quality="low", extra_body={"seed": 7, "negative_prompt": "fog"}
    )
    assert [size_of(decode(picture.b64_json)) for picture in sized.data or []] == [(256, 256)]

    with client.images.generate(model=MODEL, prompt=PROMPT, stream=True, partial_images=2) as stream:
        events = list(stream)
    indices = []
    for event in events[:-1]:
        assert event.type == "image_generation.partial_image", event.type
        assert size_of(decode(event.b64_json)) == (64, 64)
        indices.append(event.partial_image_index)
    assert indices == [0, 1], indices
    last = events[-1]
    assert last.type == "image_generation.completed", last.type
    assert decode(last.b64_json) == first
    assert last.usage.total_tokens == len(PROMPT.split()) + 64 * 64, last.usage
    return first, second


def check_edit(client: openai.OpenAI, picture: Path, mask: Path) -> None:
    with picture.open("rb") as file:
        answer = client.images.edit(model=MODEL, image=file, prompt=PROMPT, n=2)
    assert [decode(one.b64_json) for one in answer.data or []] == [picture.read_bytes()] * 2
    assert answer.size == "64x64", answer.size
    assert answer.usage is not None
    assert answer.usage.output_tokens == 2, answer.usage

    # A list of one, which is sent as `image[]`.
    listed = client.images.edit(model=MODEL, image=[picture], prompt=PROMPT, response_format="b64_json")
    assert [decode(one.b64_json) for one in listed.data or []] == [picture.read_bytes()]

    with client.images.edit(
        model=MODEL, image=picture, mask=mask, prompt=PROMPT, stream=True, partial_images=2
    ) as stream:
        events = list(stream)
    kinds = [event.type for event in events]
    assert kinds == ["image_edit.partial_image"] * 2 + ["image_edit.completed"], kinds
    expected = [mask.read_bytes()] * 2 + [picture.read_bytes()]
    assert [decode(event.b64_json) for event in events] == expected


def check_refusals(client: openai.OpenAI, picture: Path) -> None:
    try:
        client.images.edit(model=MODEL, image=picture, prompt=PROMPT)
    except openai.BadRequestError as error:
        assert (error.param, error.code) == ("image", "unsupported_parameter"), error
    else:
        raise AssertionError("an engine without edits made one")
    try:
        client.images.generate(model="org/other", prompt=PROMPT)
    except openai.NotFoundError as error:
        assert error.code == "model_not_found", error
    else:
        raise AssertionError("a model that is not there was taken")


async def check_async(draw: str, edit: str, picture: Path) -> None:
    async with openai.AsyncOpenAI(base_url=draw, api_key="none", max_retries=0) as client:
        stream = await client.images.generate(model=MODEL, prompt=PROMPT, stream=True)
        kinds = [event.type async for event in stream]
    assert kinds == ["image_generation.completed"], kinds
    async with openai.AsyncOpenAI(base_url=edit, api_key="none", max_retries=0) as client:
        answer = await client.images.edit(model=MODEL, image=picture, prompt=PROMPT)
    assert [decode(one.b64_json) for one in answer.data or []] == [picture.read_bytes()]


def main(draw: str, edit: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        picture, mask = Path(folder, "picture.png"), Path(folder, "mask.png")
        with openai.OpenAI(base_url=draw, api_key="none", max_retries=0) as client:
            for path, png in zip((picture, mask), check_generation(client), strict=True):
                path.write_bytes(png)
            check_refusals(client, picture)
        with openai.OpenAI(base_url=edit, api_key="none", max_retries=0) as client:
            check_edit(client, picture, mask)
        asyncio.run(check_async(draw, edit, picture))
    print(f"openai {openai.__version__}: all as it should be")


main(sys.argv[1], sys.argv[2])
