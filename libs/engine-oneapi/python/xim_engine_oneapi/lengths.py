"""Strings of bounded length that are too long for a grammar to count: looked at when the output is finished."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xim_worker import InvalidInput

from .grammar.limits import LONGEST_FLAT


def to_length_check(schema: Any, param: str) -> Callable[[Any], bool] | None:
    """Whether a value validates against the schema; None where the grammar alone is enough.

    Patterns are left out: the grammar holds them, and a caller's pattern may take for ever to look for.
    """
    if not _any_key(schema, lambda key, value: key == "maxLength" and type(value) is int and value > LONGEST_FLAT):
        return None
    if _any_key(schema, lambda key, _: key == "patternProperties"):
        raise InvalidInput(
            f"The engine oneapi cannot hold its output to maxLength above {LONGEST_FLAT} beside patternProperties; "
            "leave one of them out.",
            f"{param}.maxLength",
            "XIM_UNSUPPORTED_PARAMETER",
        )
    # Imported only where it is needed: it takes a tenth of a second.
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for

    plain = _without_patterns(schema)
    validator = validator_for(plain, default=Draft202012Validator)(plain)
    is_valid: Callable[[Any], bool] = validator.is_valid
    return is_valid


def _any_key(value: Any, test: Callable[[str, Any], bool]) -> bool:
    if isinstance(value, dict):
        return any(test(key, member) or _any_key(member, test) for key, member in value.items())
    return isinstance(value, list) and any(_any_key(member, test) for member in value)


def _without_patterns(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_patterns(member)
            for key, member in value.items()
            if not (key == "pattern" and isinstance(member, str))
        }
    return [_without_patterns(member) for member in value] if isinstance(value, list) else value
