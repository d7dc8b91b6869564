"""What a call asks for, as the members of GenAI's `GenerationConfig`; what it cannot do is refused by name."""

from __future__ import annotations

import math
import random
from typing import Any

from xim_worker import InvalidInput, Request

_UNSUPPORTED = ("prompt.tools", "logprobs", "format", "sampling.logitBias")

# name → its least and greatest value, whether the least itself is allowed, and the name in GenerationConfig
_NUMBERS = {
    "temperature": (0.0, 100.0, True, "temperature"),
    "topP": (0.0, 1.0, True, "top_p"),
    "presencePenalty": (-2.0, 2.0, True, "presence_penalty"),
    "frequencyPenalty": (-2.0, 2.0, True, "frequency_penalty"),
    "repetitionPenalty": (0.0, math.inf, False, "repetition_penalty"),
}


def refuse_unsupported(request: Request) -> None:
    for path in _UNSUPPORTED:
        value: Any = request
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None and value != [] and value != {}:
            raise InvalidInput(
                f"The engine oneapi does not support {path.rpartition('.')[2]} yet; leave it out.",
                path,
                "XIM_UNSUPPORTED_PARAMETER",
            )


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
    return config


def _whole(value: Any, param: str, least: int, most: int | None = None) -> int | None:
    if value is None:
        return None
    if type(value) is not int or value < least or (most is not None and value > most):
        upper = "" if most is None else f" to {most}"
        raise InvalidInput(f"{param} is {value!r}; expected a whole number from {least}{upper}.", param)
    return int(value)
