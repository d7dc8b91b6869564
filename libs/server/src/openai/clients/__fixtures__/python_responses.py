"""Checks the responses of a chat service with the official Python client. Run by responses.test.ts.

Argument: the base address of a service whose engine echoes: texts are the last message, required tools are called.
"""

from __future__ import annotations

import sys

import openai
from openai.types.responses import FunctionToolParam, ParsedResponseFunctionToolCall
from pydantic import BaseModel

MODEL = "gpt-4o-mini"
TEXT = "Köln 🙂 am Rhein"


class City(BaseModel):
    """A city, as a tool's arguments or as an answer."""

    name: str
    people: int


CITY = City(name=TEXT, people=1)


def check_text(client: openai.OpenAI) -> None:
    response = client.responses.create(model=MODEL, input=TEXT)
    assert response.output_text == TEXT, response
    assert response.usage and response.usage.total_tokens > 0, response

    with client.responses.stream(model=MODEL, input=TEXT) as events:
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        final = events.get_final_response()
    assert "".join(deltas) == final.output_text == TEXT, final

    names = [event.type for event in client.responses.create(model=MODEL, input=TEXT, stream=True)]
    assert (names[0], names[-1]) == ("response.created", "response.completed"), names


def check_parsed(client: openai.OpenAI) -> None:
    parsed = client.responses.parse(model=MODEL, input=TEXT, text_format=City)
    assert parsed.output_parsed == CITY, parsed
    with client.responses.stream(model=MODEL, input=TEXT, text_format=City) as events:
        assert events.get_final_response().output_parsed == CITY


def check_tools(client: openai.OpenAI) -> None:
    tool = openai.pydantic_function_tool(City, name="look_up")["function"]
    function = FunctionToolParam(type="function", name="look_up", parameters=tool["parameters"], strict=True)
    answer = client.responses.parse(model=MODEL, input=TEXT, tools=[function], tool_choice="required")
    (call,) = answer.output
    assert isinstance(call, ParsedResponseFunctionToolCall), answer
    assert City.model_validate_json(call.arguments) == CITY, answer


def check_refused(client: openai.OpenAI) -> None:
    try:
        client.responses.create(model=MODEL, input=TEXT, previous_response_id="resp_1")
    except openai.BadRequestError as error:
        assert error.param == "previous_response_id", error
    else:
        raise AssertionError("expected a refusal")


def main(url: str) -> None:
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    check_text(client)
    check_parsed(client)
    check_tools(client)
    check_refused(client)
    print(f"openai {openai.__version__}: all as it should be")


if __name__ == "__main__":
    main(*sys.argv[1:])
