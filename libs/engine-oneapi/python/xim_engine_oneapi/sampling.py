"""What a call asks for, as the members of GenAI's `GenerationConfig`; what it cannot do is refused by name."""

from __future__ import annotations

import math
import random
from typing import Any

from xim_worker import InvalidInput, Request

# name → its least and greatest value, whether the least itself is allowed, and the name in GenerationConfig
_NUMBERS = {
    "temperature": (0.0, 100.0, True, "temperature"),
    "topP": (0.0, 1.0, True, "top_p"),
    "presencePenalty": (-2.0, 2.0, True, "presence_penalty"),
    "frequencyPenalty": (-2.0, 2.0, True, "frequency_penalty"),
    "repetitionPenalty": (0.0, math.inf, False, "repetition_penalty"),
}


def refuse_unsupported(request: Request, prompt_logprobs: bool) -> None:
    """`prompt_logprobs`: the engine computes every prompt whole, so that it knows the probabilities of its tokens."""
    if (request.get("sampling") or {}).get("logitBias"):
        raise _unsupported("logit bias", "leave it out", "sampling.logitBias")
    logprobs = _whole(request.get("logprobs"), "logprobs", least=0)
    if logprobs:
        wanted = "ask for 0, the probability of the chosen token alone"
        raise _unsupported(f"{logprobs} alternatives per token", wanted, "logprobs")
    if request.get("echo"):
        if "messages" in request["prompt"]:
            raise InvalidInput("A conversation cannot be echoed; send it as a text, or leave echo out.", "echo")
        if logprobs is not None and not prompt_logprobs:
            wanted = "leave echo or logprobs out"
            raise _unsupported("the probabilities of a prompt's tokens, which its prefix cache skips", wanted, "echo")


def _unsupported(what: str, advice: str, param: str) -> InvalidInput:
    return InvalidInput(f"The engine oneapi does not support {what}; {advice}.", param, "XIM_UNSUPPORTED_PARAMETER")


def to_choices(request: Request) -> int:
    return _whole(request.get("choices"), "choices", least=1) or 1


def to_stops(request: Request) -> list[str]:
    stops = request.get("stop") or []
    if not all(isinstance(stop, str) and stop for stop in stops):
        raise InvalidInput("A stop text is empty; expected at least one character.", "stop")
    return list(stops)


def to_max_tokens(request: Request) -> int | None:
    return _whole(request.get("maxTokens"), "maxTokens", least=1)


def to_seed(request: Request) -> int:
    """The seed of the first choice; each further choice takes the next."""
    seed = _whole((request.get("sampling") or {}).get("seed"), "sampling.seed", least=0, most=2**63 - 1)
    return random.getrandbits(32) if seed is None else seed


def to_config(request: Request) -> dict[str, Any]:
    """Members of `GenerationConfig`, but for the seed and the number of tokens.

    Without a temperature the model is sampled from as it is (1.0), as the APIs' own default says; GGUF files carry no
    default of their own. Temperature 0, like the smallest set of tokens (top-p 0), leaves one token: greedy decoding.
    """
    sampling = request.get("sampling") or {}
    config: dict[str, Any] = {"do_sample": True, "temperature": 1.0}
    for name, (least, most, inclusive, member) in _NUMBERS.items():
        value = sampling.get(name)
        if value is None:
            continue
        if type(value) not in (int, float) or not (least < value <= most or (inclusive and value == least)):
            bounds = f"{'from' if inclusive else 'above'} {least:g}" + ("" if most == math.inf else f" to {most:g}")
            raise InvalidInput(f"{name} is {value!r}; expected a number {bounds}.", f"sampling.{name}")
        config[member] = float(value)
    top_k = _whole(sampling.get("topK"), "sampling.topK", least=1)
    if top_k is not None:
        config["top_k"] = top_k
    if config["temperature"] == 0 or config.get("top_p") == 0:
        for member in ("temperature", "top_p", "top_k"):
            config.pop(member, None)
        config["do_sample"] = False
    if request.get("ignoreEnd"):
        config["ignore_eos"] = True
    if request.get("logprobs") is not None:
        # The library's 0 is none at all; its 1 is the chosen token's own.
        config["logprobs"] = 1
        config["echo"] = bool(request.get("echo"))
    return config


def _whole(value: Any, param: str, least: int, most: int | None = None) -> int | None:
    if value is None:
        return None
    if type(value) is not int or value < least or (most is not None and value > most):
        upper = "" if most is None else f" to {most}"
        raise InvalidInput(f"{param} is {value!r}; expected a whole number from {least}{upper}.", param)
    return int(value)
