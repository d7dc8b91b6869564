"""The request fields that control the tokens, validated once."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xim_worker import GenerateInput, InvalidInput

# name → least value, greatest value, and whether the least value itself is allowed
_NUMBERS = {
    "temperature": (0.0, 100.0, True),
    "topP": (0.0, 1.0, True),
    "minP": (0.0, 1.0, True),
    "typicalP": (0.0, 1.0, False),
    "presencePenalty": (-2.0, 2.0, True),
    "frequencyPenalty": (-2.0, 2.0, True),
    "repetitionPenalty": (0.0, math.inf, False),
}
_MOST_BIAS = 100.0
_MOST_ALTERNATIVES = 1000
_MOST_BANNED = 1000
_UNSUPPORTED = "XIM_UNSUPPORTED_PARAMETER"


@dataclass(frozen=True)
class SamplingParams:
    """The sampling parameters. Temperature 0 is greedy, and so is a `top_p` of 0: one token remains."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    min_p: float = 0.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    typical_p: float = 1.0
    bias: Mapping[int, float] = field(default_factory=dict)
    """Token → added to its logit."""
    seed: int = 0

    @property
    def greedy(self) -> bool:
        return self.temperature == 0 or self.top_p == 0 or self.top_k == 1

    @property
    def penalised(self) -> bool:
        return (self.presence_penalty, self.frequency_penalty, self.repetition_penalty) != (0.0, 0.0, 1.0)


@dataclass(frozen=True)
class RequestParams:
    """The fields of a request except its prompt and its output format."""

    sampling: SamplingParams
    choices: int
    max_tokens: int | None
    """Per choice; None: up to the context length."""
    stops: list[str]
    include_stop: bool
    stop_tokens: frozenset[int]
    min_tokens: int
    ignore_end: bool
    allowed: list[int] | None
    """The only tokens that are generated; None: all."""
    banned_texts: list[str]
    truncate: int | None
    echo: bool
    logprobs: int | None
    """Alternatives per prompt token; None: no log probabilities."""
    prompt_logprobs: int | None
    """The same for the prompt's tokens."""
    token_ids: bool

    @property
    def echo_scores(self) -> bool:
        """Whether each choice begins with the scores of the prompt's tokens."""
        return self.echo and self.logprobs is not None


def to_params(request: GenerateInput, vocabulary: int) -> RequestParams:
    """Raises InvalidInput with the path of the field. `vocabulary`: number of tokens that may have a bias."""
    logprobs = _whole(request.get("logprobs"), "logprobs", least=0, most=_MOST_ALTERNATIVES)
    if request.get("echo") and "messages" in request["prompt"]:
        raise InvalidInput("A conversation cannot be echoed; send the prompt as a text, or leave echo out.", "echo")
    if request.get("echo") and request["prompt"].get("suffix"):
        raise InvalidInput("A text with a suffix cannot be echoed; leave echo out.", "echo", _UNSUPPORTED)
    sampling = request.get("sampling") or {}
    max_tokens = _whole(request.get("maxTokens"), "maxTokens", least=1)
    min_tokens = _whole(request.get("minTokens"), "minTokens", least=0) or 0
    if max_tokens is not None and min_tokens > max_tokens:
        message = f"minTokens is {min_tokens} and maxTokens {max_tokens}; expected minTokens to be at most maxTokens."
        raise InvalidInput(message, "minTokens")
    return RequestParams(
        sampling=to_sampling(sampling, vocabulary),
        choices=_whole(request.get("choices"), "choices", least=1) or 1,
        max_tokens=max_tokens,
        stops=_to_stops(request),
        include_stop=bool(request.get("includeStop")),
        stop_tokens=frozenset(_to_tokens(request.get("stopTokens") or [], "stopTokens", vocabulary)),
        min_tokens=min_tokens,
        ignore_end=bool(request.get("ignoreEnd")),
        allowed=_to_allowed(sampling.get("allowedTokens"), vocabulary),
        banned_texts=_to_banned(sampling.get("bannedTexts") or []),
        truncate=_whole(request.get("truncate"), "truncate", least=1),
        echo=bool(request.get("echo")),
        logprobs=logprobs,
        prompt_logprobs=_whole(request.get("promptLogprobs"), "promptLogprobs", least=0, most=_MOST_ALTERNATIVES),
        token_ids=bool(request.get("tokenIds")),
    )


def to_sampling(sampling: Mapping[str, Any], vocabulary: int) -> SamplingParams:
    """An absent member means the model's own distribution: temperature 1, no cut, no penalty, a random seed."""
    numbers = {name: _number(sampling.get(name), name) for name in _NUMBERS}
    seed = _whole(sampling.get("seed"), "sampling.seed", least=0, most=2**63 - 1)
    return SamplingParams(
        temperature=_or(numbers["temperature"], 1.0),
        top_k=_whole(sampling.get("topK"), "sampling.topK", least=0) or None,
        top_p=_or(numbers["topP"], 1.0),
        min_p=_or(numbers["minP"], 0.0),
        typical_p=_or(numbers["typicalP"], 1.0),
        presence_penalty=_or(numbers["presencePenalty"], 0.0),
        frequency_penalty=_or(numbers["frequencyPenalty"], 0.0),
        repetition_penalty=_or(numbers["repetitionPenalty"], 1.0),
        bias=_to_bias(sampling.get("logitBias") or {}, vocabulary),
        seed=random.getrandbits(32) if seed is None else seed,
    )


def _number(value: Any, name: str) -> float | None:
    least, most, inclusive = _NUMBERS[name]
    if value is None:
        return None
    if type(value) not in (int, float) or not (least < value <= most or (inclusive and value == least)):
        bounds = f"{'from' if inclusive else 'above'} {least:g}" + ("" if most == math.inf else f" to {most:g}")
        raise InvalidInput(f"{name} is {value!r}; expected a number {bounds}.", f"sampling.{name}")
    return float(value)


def _to_bias(given: Mapping[str, Any], vocabulary: int) -> dict[int, float]:
    bias = {}
    for name, value in given.items():
        token = int(name) if name.isascii() and name.isdecimal() else -1
        if not 0 <= token < vocabulary:
            message = f"logitBias names the token {name!r}; expected a token of the model, 0 to {vocabulary - 1}."
            raise InvalidInput(message, "sampling.logitBias")
        if type(value) not in (int, float) or not -_MOST_BIAS <= value <= _MOST_BIAS:
            message = f"The logitBias of token {name} is {value!r}; expected a number from -100 to 100."
            raise InvalidInput(message, "sampling.logitBias")
        bias[token] = float(value)
    return bias


def _to_tokens(given: Any, param: str, vocabulary: int) -> list[int]:
    if not isinstance(given, list) or not all(type(token) is int and 0 <= token < vocabulary for token in given):
        raise InvalidInput(
            f"{param} contains a number that is not a token of the model; expected numbers from 0 to {vocabulary - 1}.",
            param,
        )
    return list(given)


def _to_allowed(given: Any, vocabulary: int) -> list[int] | None:
    if given is None:
        return None
    if given == []:
        raise InvalidInput("No token is allowed; expected at least one.", "sampling.allowedTokens")
    return _to_tokens(given, "sampling.allowedTokens", vocabulary)


def _to_banned(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(text, str) and text.strip() for text in given):
        raise InvalidInput("A banned text is empty; expected at least one visible character.", "sampling.bannedTexts")
    if len(given) > _MOST_BANNED:
        message = f"{len(given)} texts are banned; expected at most {_MOST_BANNED}."
        raise InvalidInput(message, "sampling.bannedTexts")
    return list(given)


def _to_stops(request: GenerateInput) -> list[str]:
    stops = request.get("stop") or []
    if not all(isinstance(stop, str) and stop for stop in stops):
        raise InvalidInput("A stop text is empty; expected at least one character.", "stop")
    return list(stops)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _whole(value: Any, param: str, least: int, most: int | None = None) -> int | None:
    if value is None:
        return None
    if type(value) is not int or value < least or (most is not None and value > most):
        upper = "" if most is None else f" to {most}"
        raise InvalidInput(f"{param} is {value!r}; expected a whole number from {least}{upper}.", param)
    return int(value)
