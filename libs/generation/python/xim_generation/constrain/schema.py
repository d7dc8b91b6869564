"""JSON Schemas for the grammar: annotations are removed, patterns are translated, unsupported keywords are refused
by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import unquote

from xim_worker import InvalidInput

from . import keywords
from .endless import find_endless
from .pattern import found_in, to_rust

# A schema beyond these limits is refused before it is compiled. Measured with llguidance 1.9.1 on 49,152 tokens: each
# limit alone keeps the grammar below 0.2 s and a mask below 15 ms; the time of a mask grows with constants.
_DEEPEST = 64
_MOST_SCHEMAS = 2_000
_MOST_VALUES = 20_000
_MOST_REQUIRED = 2_000
_MOST_INNER_VALUES = 1_000
_MOST_NAME_PATTERNS = 60
_LONGEST_TEXT = 8_000
_GREATEST_STEP = 10_000
_GREATEST_COUNT = 1_000_000
# Whole numbers up to this value are exact as doubles, and the grammar's bounds are doubles.
_EXACT = 2**53

Path = tuple[str, ...]


class PlainSchema:
    """A caller's schema after normalisation. Raises InvalidInput with the position of a keyword that is malformed or
    cannot be enforced.

    `grammar`: the schema for the grammar. `checked`: the finished output is validated against the caller's schema too.
    `names_open`: an object may have names beside those that the schema lists.
    """

    def __init__(self, schema: Any, param: str) -> None:
        self.checked = False
        self.names_open = False
        self._param = param
        self._draft = keywords.draft_of(schema)
        self._schemas = self._values = self._required = self._inner = self._name_patterns = 0
        self._paths: set[Path] = set()
        self._references: list[tuple[str, Path]] = []
        _look_over(schema, param)
        if self._draft == 3:
            self._refuse("JSON Schema before draft-04", ("$schema",))
        # Parts that are merged with others must allow the others' properties.
        self._closes = not _merges(schema)
        self.grammar = self._read(schema, (), 0, rebased=False)
        for reference, path in self._references:
            self._refuse_unknown(reference, path)
        endless = find_endless(self.grammar)
        for reference, path in self._references:
            if reference in endless:
                place = self._place(path)
                raise InvalidInput(f"No value of {reference[:200]!r} is finite; make a part of it optional.", place)

    def _read(self, schema: Any, path: Path, depth: int, rebased: bool) -> Any:
        self._paths.add(path)
        self._schemas += 1
        if depth > _DEEPEST:
            self._refuse(f"A schema deeper than {_DEEPEST} levels", path)
        self._bound(self._schemas, _MOST_SCHEMAS, "parts", path)
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            place = self._place(path)
            raise InvalidInput(f"{place} is not a JSON Schema; expected an object or a boolean.", place)
        if "$ref" in schema and self._draft <= 7:
            # Up to draft-07 the keywords beside a reference are ignored.
            schema = {key: value for key, value in schema.items() if key in ("$ref", "$defs", "definitions")}
        base = schema.get("id" if self._draft == 4 else "$id")
        rebased = rebased or (bool(path) and isinstance(base, str) and not base.startswith("#"))
        plain: dict[str, Any] = {}
        for key, value in schema.items():
            # `true` constrains nothing; for `not` this is `false`.
            if key in keywords.REFUSED and value is not (key != "not"):
                self._refuse(f"The keyword {key}", (*path, key))
            if key in keywords.ANNOTATIONS or not keywords.is_known(key, self._draft):
                continue
            wanted = keywords.expected(key, value, self._draft)
            if wanted is not None:
                place = self._place((*path, key))
                raise InvalidInput(f"{place} does not follow JSON Schema; expected {wanted}.", place)
            if key == "$ref" and rebased:
                self._refuse("A $ref below an inner $id", (*path, key))
            read = self._read_value(key, value, (*path, key), depth, rebased)
            self.checked |= key in keywords.CHECKED
            # The grammar would refuse keywords that are checked after the output.
            if (key not in keywords.CHECKED or key == "oneOf") and not (
                key == "format" and value not in keywords.FORMATS
            ):
                plain[key] = read
        if self._closes and _lists_all(plain):
            # Narrower than the schema: a small model would invent properties without end.
            plain["additionalProperties"] = False
        listed = plain.get("properties") or plain.get("patternProperties")
        self.names_open |= bool(listed) and plain.get("additionalProperties") is not False
        return plain

    def _read_value(self, key: str, value: Any, path: Path, depth: int, rebased: bool) -> Any:
        if key in keywords.NAMED:
            return dict(self._read_named(key, value, path, depth, rebased))
        if key in keywords.SCHEMAS or (key == "items" and isinstance(value, list)):
            return [self._read(each, (*path, str(at)), depth + 1, rebased) for at, each in enumerate(value)]
        if key in keywords.SCHEMA:
            return self._read(value, path, depth + 1, rebased)
        if key == "pattern":
            return f"^(?:{to_rust(found_in(value, self._place(path)))})$"
        if key == "format":
            # A grammar cannot check the day of the calendar.
            self.checked |= value in ("date", "date-time")
        elif key == "$ref":
            self._references.append((value, path))
        elif key in ("enum", "const"):
            self._read_values(value if key == "enum" else [value], path)
        elif key == "required":
            self._required += len(value)
            self._bound(self._required, _MOST_REQUIRED, "required names", path)
        elif key == "multipleOf":
            step = Decimal(repr(value))
            if step * Decimal(10) ** max(-int(step.as_tuple().exponent), 0) > _GREATEST_STEP:
                self._refuse(f"A multipleOf above {_GREATEST_STEP}, read without its dot,", path)
        elif key in keywords.COUNTS and value > _GREATEST_COUNT:
            self._refuse(f"A number above {_GREATEST_COUNT}", path)
        elif key in keywords.BOUNDS and not isinstance(value, bool) and abs(value) > _EXACT:
            self.checked = True
            return self._to_double(value, path)
        return value

    def _read_named(self, key: str, value: Any, path: Path, depth: int, rebased: bool) -> Iterator[tuple[str, Any]]:
        for name, member in value.items():
            place = (*path, name)
            if len(name) > _LONGEST_TEXT:
                self._refuse(f"A name of more than {_LONGEST_TEXT} characters", path)
            written = name
            if key == "patternProperties":
                self._name_patterns += 1
                self._bound(self._name_patterns, _MOST_NAME_PATTERNS, "patterns for names", path)
                written = f"^(?:{to_rust(found_in(name, self._place(place)))})$"
            yield written, self._read(member, place, depth + 1, rebased)

    def _read_values(self, values: list[Any], path: Path) -> None:
        self._values += len(values)
        self._bound(self._values, _MOST_VALUES, "values", path)
        pending = list(values)
        while pending:
            value = pending.pop()
            if isinstance(value, (dict, list)):
                pending += [*value.keys(), *value.values()] if isinstance(value, dict) else value
                self._inner += len(value)
                self._bound(self._inner, _MOST_INNER_VALUES, "values inside values", path)
            elif isinstance(value, str) and len(value) > _LONGEST_TEXT:
                self._refuse(f"A text of more than {_LONGEST_TEXT} characters", path)
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                if not keywords.is_number(value):
                    raise InvalidInput("A schema holds a number that is not finite.", self._place(path))
                if abs(value) > _EXACT:
                    self._refuse("A value beyond 2^53", path)

    def _refuse_unknown(self, reference: str, path: Path) -> None:
        if reference != "#" and not reference.startswith("#/"):
            self._refuse("A $ref to another document, or to an anchor,", path)
        parts = reference[2:].split("/") if reference != "#" else []
        target = tuple(unquote(part).replace("~1", "/").replace("~0", "~") for part in parts)
        if target in self._paths:
            return
        place = self._place(path)
        raise InvalidInput(f"The $ref {reference[:200]!r} names no schema in this document; expected #/$defs/…", place)

    def _to_double(self, value: Any, path: Path) -> float:
        try:
            return float(value)
        except OverflowError:
            self._refuse("A number beyond a double", path)

    def _place(self, path: Path) -> str:
        return ".".join([self._param, *path])

    def _bound(self, count: int, most: int, things: str, path: Path) -> None:
        if count > most:
            self._refuse(f"A schema of more than {most} {things}", path)

    def _refuse(self, thing: str, path: Path) -> NoReturn:
        message = f"{thing} cannot be enforced by a grammar; leave it out."
        raise InvalidInput(message, self._place(path), "XIM_UNSUPPORTED_PARAMETER")


def _look_over(schema: Any, param: str) -> None:
    """Refuses lone surrogates, which have no bytes, and nesting that would break the walks over the schema."""
    pending, deep = [schema], 0
    while pending:
        deep += 1
        if deep > 4 * _DEEPEST:
            message = f"A schema deeper than {_DEEPEST} levels cannot be enforced by a grammar; leave it out."
            raise InvalidInput(message, param, "XIM_UNSUPPORTED_PARAMETER")
        inner: list[Any] = []
        for value in pending:
            if isinstance(value, dict):
                inner += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, str) and not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
                raise InvalidInput("A schema holds half a character (a lone surrogate).", param)
        pending = inner


def _merges(value: Any) -> bool:
    """Whether properties of one object may be listed in several parts of the schema."""
    if isinstance(value, dict):
        beside = "properties" in value and not value.keys().isdisjoint({"$ref", "anyOf", "oneOf"})
        return beside or "allOf" in value or any(map(_merges, value.values()))
    return isinstance(value, list) and any(map(_merges, value))


def _lists_all(schema: dict[str, Any]) -> bool:
    """Whether the schema lists all required properties, and does not mention others."""
    listed = schema.get("properties")
    if not listed or not schema.keys().isdisjoint({"additionalProperties", "patternProperties"}):
        return False
    return all(name in listed for name in schema.get("required", []))
