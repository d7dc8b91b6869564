"""Checks a chat service with what Python clients parse: schemas, tools, completions. Run by python-client.test.ts.

Argument: the base address of a service whose engine echoes: texts are the last message, required tools are called.
"""

from __future__ import annotations

import sys
from enum import Enum
from typing import Any

import huggingface_hub
import openai
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

MODEL = "gpt-4o-mini"
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Köln 🙂"}]


class Kind(str, Enum):
    BIG = "big"
    SMALL = "small"


class City(BaseModel):
    """A city, as a tool's arguments or as an answer."""

    name: str
    people: int
    kind: Kind
    rivers: list[str]


CITY = City(name="Köln 🙂", people=1, kind=Kind.BIG, rivers=[])


def check_parsed(client: openai.OpenAI) -> None:
    parsed = client.chat.completions.parse(model=MODEL, messages=MESSAGES, response_format=City)
    assert parsed.choices[0].message.parsed == CITY, parsed

    with client.chat.completions.stream(model=MODEL, messages=MESSAGES, response_format=City) as events:
        final = events.get_final_completion()
    assert final.choices[0].message.parsed == CITY, final


def check_tools(client: openai.OpenAI) -> None:
    tool = openai.pydantic_function_tool(City, name="look_up")
    parsed = client.chat.completions.parse(model=MODEL, messages=MESSAGES, tools=[tool], tool_choice="required")
    calls = parsed.choices[0].message.tool_calls or []
    assert [call.function.parsed_arguments for call in calls] == [CITY], parsed

    with client.chat.completions.stream(model=MODEL, messages=MESSAGES, tools=[tool], tool_choice="required") as events:
        done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
    assert [(event.name, event.parsed_arguments) for event in done] == [("look_up", CITY)], done


def check_choices(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, n=3, logprobs=True, top_logprobs=1)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    for choice in answer.choices:
        entries = choice.logprobs and choice.logprobs.content
        assert entries and bytes(b for entry in entries for b in entry.bytes or []).decode() == "Köln 🙂", choice


def check_completions(client: openai.OpenAI) -> None:
    answer = client.completions.create(model=MODEL, prompt=["one", "two three"], echo=True, logprobs=0)
    assert [choice.text for choice in answer.choices] == ["oneone", "two threetwo three"], answer
    scores = answer.choices[1].logprobs
    assert scores and scores.text_offset == [0, 3, 9, 12], scores

    stream = client.completions.create(model=MODEL, prompt="one two", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == "one two"


def check_hub_client(base_url: str) -> None:
    # Its types ask for its own classes where it takes and documents plain dictionaries.
    client: Any = huggingface_hub.InferenceClient(base_url=base_url, api_key="none")
    answer = client.chat_completion(MESSAGES, model=MODEL, max_tokens=50, logprobs=True, top_logprobs=2)
    assert answer.choices[0].message.content == "Köln 🙂", answer
    # The end is a token without a text.
    assert answer.usage.completion_tokens == len(answer.choices[0].logprobs.content) + 1, answer

    stream = client.chat_completion(MESSAGES, model=MODEL, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "Köln 🙂"

    schema = City.model_json_schema()
    shaped = client.chat_completion(
        MESSAGES,
        model=MODEL,
        response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": schema, "strict": True}},
    )
    assert City.model_validate_json(shaped.choices[0].message.content) == CITY, shaped

    tool = {"type": "function", "function": {"name": "look_up", "parameters": schema}}
    called = client.chat_completion(MESSAGES, model=MODEL, tools=[tool], tool_choice="required")
    call = called.choices[0].message.tool_calls[0]
    assert City.model_validate_json(call.function.arguments) == CITY, called


def main(url: str) -> None:
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    check_parsed(client)
    check_tools(client)
    check_choices(client)
    check_completions(client)
    check_hub_client(url.removesuffix("/v1"))
    print(f"openai {openai.__version__}, huggingface_hub {huggingface_hub.__version__}: all as it should be")


if __name__ == "__main__":
    main(*sys.argv[1:])
