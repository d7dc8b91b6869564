"""Validates a finished output with `jsonschema`, in bounded time, where the grammar does not enforce the whole
schema.
"""

from __future__ import annotations

import functools
import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from .matching import PatternTooComplex, matches

# Evaluated keywords of one output; about 10 µs each.
_MOST_WORK = 50_000
# Nested keywords. Each uses up to six frames of Python's stack. At the limit of the stack (1,000 frames) the library's
# own containers panic, and no `except Exception` catches a panic.
_DEEPEST = 100

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_run = threading.local()


class _TooMuchWork(Exception):
    pass


class OutputCheck:
    """Validates a value against a caller's schema; `PlainSchema` has accepted every part of the schema."""

    def __init__(self, schema: Any) -> None:
        self._validator = _to_kind(schema)(schema, format_checker=_dates())

    def fits(self, text: str) -> bool:
        """`text` is JSON by a grammar. False too if it cannot be validated: too much work, or too large numbers or
        nesting.
        """
        _run.left, _run.depth, _run.known = _MOST_WORK, 0, {}
        try:
            return bool(self._validator.is_valid(json.loads(text)))
        except (_TooMuchWork, PatternTooComplex, RecursionError, ValueError, OverflowError):
            return False
        finally:
            _run.known = {}


def _to_kind(schema: Any) -> Any:
    # Imported only when needed: the import takes a tenth of a second.
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for

    return _bounded(validator_for(schema, default=Draft202012Validator))


@functools.lru_cache(8)
def _bounded(kind: Any) -> Any:
    """The validator with keywords that take linear time, and a limit on the work of all keywords together."""
    import attrs
    from jsonschema.validators import extend

    own = {
        **kind.VALIDATORS,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "multipleOf": _multiple_of,
        "uniqueItems": _unique_items,
        "enum": _enum,
        "$ref": _remembered(kind.VALIDATORS["$ref"]),
    }
    bounded = extend(kind, {name: _counted(keyword) for name, keyword in own.items()})
    # The library's own `evolve` would choose another validator wherever a schema has a `$schema`.
    bounded.evolve = attrs.evolve
    return bounded


def _counted(keyword: Any) -> Any:
    def evaluate(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _run.left -= 1
        _run.depth += 1
        try:
            if _run.left < 0 or _run.depth > _DEEPEST:
                raise _TooMuchWork
            yield from keyword(validator, value, instance, schema) or ()
        finally:
            _run.depth -= 1

    return evaluate


def _remembered(keyword: Any) -> Any:
    """A reference is evaluated once per value; otherwise the work for shared alternatives would grow exponentially
    with depth.
    """

    def evaluate(validator: Any, reference: Any, instance: Any, schema: Any) -> Iterator[Any]:
        key = (reference, id(instance))
        if key not in _run.known:
            _run.known[key] = next(iter(keyword(validator, reference, instance, schema)), None)
        if _run.known[key] is not None:
            yield _run.known[key]

    return evaluate


def _wrong(fits: Callable[[], bool]) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not fits():
        yield ValidationError("")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
    return _wrong(lambda: not isinstance(instance, str) or matches(pattern, instance))


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    for pattern, inner in patterns.items() if isinstance(instance, dict) else ():
        for name, member in instance.items():
            if matches(pattern, name):
                yield from validator.descend(member, inner)


def _additional_properties(validator: Any, inner: Any, instance: Any, schema: Any) -> Iterator[Any]:
    patterns = schema.get("patternProperties", {})
    for name, member in instance.items() if isinstance(instance, dict) else ():
        if name not in schema.get("properties", {}) and not any(matches(pattern, name) for pattern in patterns):
            yield from validator.descend(member, inner)


def _multiple_of(validator: Any, step: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """Exact in decimals: 0.07 is a multiple of 0.01."""
    return _wrong(lambda: not validator.is_type(instance, "number") or not _remainder(instance, step))


def _remainder(instance: Any, step: Any) -> int:
    (top, bottom), (other_top, other_bottom) = (Decimal(repr(each)).as_integer_ratio() for each in (instance, step))
    return int(top * other_bottom) % int(other_top * bottom)


def _unique_items(validator: Any, unique: Any, instance: Any, schema: Any) -> Iterator[Any]:
    return _wrong(
        lambda: unique is not True or not isinstance(instance, list) or len(set(map(_key, instance))) == len(instance)
    )


def _enum(validator: Any, values: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if id(values) not in _run.known:
        _run.known[id(values)] = set(map(_key, values))
    return _wrong(lambda: _key(instance) in _run.known[id(values)])


def _key(value: Any) -> Any:
    """Equal for values that JSON Schema calls equal: 1 and 1.0 are equal, 1 and true are not, members have no order."""
    if isinstance(value, dict):
        return ("object", frozenset((name, _key(member)) for name, member in value.items()))
    if isinstance(value, list):
        return ("array", tuple(map(_key, value)))
    return ("constant" if isinstance(value, bool) or value is None else "plain", value)


@functools.lru_cache(1)
def _dates() -> Any:
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    checker.checkers = dict.fromkeys(("date", "date-time"), (_is_date, ValueError))
    return checker


def _is_date(value: object) -> bool:
    """Checks the day of the calendar; the grammar enforces the other parts of the format."""
    return not isinstance(value, str) or bool(_DAY.match(value) and date.fromisoformat(value[:10]))
