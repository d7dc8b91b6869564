"""Checks three services with the official Python client, as its users would use it. Run by python-client.test.ts.

Arguments: the base addresses of a chat service, an embedding service, and a chat service whose engine dies on the way.
Both living engines echo: the answer is the last message, equal texts have equal vectors.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import TypeVar

import openai
from openai.types.chat import ChatCompletionMessageParam

CHAT = "gpt-4o-mini"
EMBEDDING = "text-embedding-3-small"
TEXT = "Zwölf Boxkämpfer 東京 🙂\nEnde"
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": TEXT}]

E = TypeVar("E", bound=Exception)


def raised(kind: type[E], call: Callable[[], object]) -> E:
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def check_chat(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model=CHAT, messages=MESSAGES)
    assert raw.headers["x-request-id"].startswith("req_"), raw.headers
    answer = raw.parse()
    choice = answer.choices[0]
    assert (choice.message.content, choice.message.role, choice.message.refusal) == (TEXT, "assistant", None), choice
    assert (choice.finish_reason, choice.logprobs) == ("stop", None), choice
    assert answer.model == "xim/echo-generate", answer
    assert answer.usage and answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens

    cut = client.chat.completions.create(model=CHAT, messages=MESSAGES, max_completion_tokens=2, temperature=0)
    assert cut.choices[0].finish_reason == "length", cut


def check_streams(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model=CHAT, messages=MESSAGES)
    chunks = list(
        client.chat.completions.create(
            model=CHAT, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    )
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) == TEXT
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage), chunks[-1]

    with client.chat.completions.create(model=CHAT, messages=MESSAGES, stream=True) as stream:
        next(iter(stream))  # and leaves early

    with client.chat.completions.stream(model=CHAT, messages=MESSAGES) as events:
        assert events.get_final_completion().choices[0].message.content == TEXT


async def check_async(base_url: str) -> None:
    async with openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:

        async def read(number: int) -> str:
            messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": f"{TEXT} {number}"}]
            stream = await client.chat.completions.create(model=CHAT, messages=messages, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        assert await asyncio.gather(*map(read, range(20))) == [f"{TEXT} {number}" for number in range(20)]


def check_errors(client: openai.OpenAI, dying: openai.OpenAI) -> None:
    bad = raised(
        openai.BadRequestError,
        lambda: client.chat.completions.create(model=CHAT, messages=MESSAGES, temperature=3),
    )
    assert (bad.status_code, bad.code, bad.param, bad.type) == (
        400,
        "invalid_value",
        "temperature",
        "invalid_request_error",
    )
    unknown = raised(
        openai.BadRequestError,
        lambda: client.chat.completions.create(model=CHAT, messages=MESSAGES, verbosity="low"),
    )
    assert (unknown.code, unknown.param) == ("unsupported_parameter", "verbosity")
    missing = raised(openai.NotFoundError, lambda: client.chat.completions.create(model="gpt-9", messages=MESSAGES))
    assert missing.code == "model_not_found"

    seen: list[str] = []

    def read() -> None:
        for chunk in dying.chat.completions.create(model=CHAT, messages=MESSAGES, stream=True):
            seen.append(chunk.choices[0].delta.content or "")

    broken = raised(openai.APIError, read)
    assert (broken.code, seen) == ("engine_dead", ["", "a"]), (broken, seen)


def check_embeddings(client: openai.OpenAI) -> None:
    default = client.embeddings.create(model=EMBEDDING, input=["one", "two"])
    numbers = client.embeddings.create(model=EMBEDDING, input=["one", "two"], encoding_format="float")
    assert [item.index for item in default.data] == [0, 1]
    for one, other in zip(default.data, numbers.data, strict=True):
        assert len(one.embedding) == 384
        assert max(abs(a - b) for a, b in zip(one.embedding, other.embedding, strict=True)) < 1e-8
    assert (default.usage.prompt_tokens, default.usage.total_tokens) == (2, 2)
    assert len(client.embeddings.create(model=EMBEDDING, input=[[353, 354]], dimensions=8).data[0].embedding) == 8
    raised(openai.BadRequestError, lambda: client.embeddings.create(model=EMBEDDING, input=[""]))


def check_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["xim/echo-generate", CHAT]
    assert client.models.retrieve("xim/echo-generate").owned_by == "xim"
    raised(openai.NotFoundError, lambda: client.models.retrieve("gpt-9"))


def main(chat_url: str, embedding_url: str, dying_url: str) -> None:
    chat, embedding, dying = (
        openai.OpenAI(base_url=url, api_key="none", max_retries=0) for url in (chat_url, embedding_url, dying_url)
    )
    check_chat(chat)
    check_streams(chat)
    asyncio.run(check_async(chat_url))
    check_errors(chat, dying)
    check_embeddings(embedding)
    check_models(chat)
    print(f"openai {openai.__version__}: all as it should be")


if __name__ == "__main__":
    main(*sys.argv[1:])
