"""A schema and where it lies in the caller's: what an error names, and what references are resolved against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from xim_worker import InvalidInput

from .limits import DEEPEST

UNSUPPORTED = "XIM_UNSUPPORTED_PARAMETER"


@dataclass(frozen=True)
class Place:
    """The steps from the caller's schema to one inside it. `hidden` keywords have been dealt with."""

    steps: tuple[str | int, ...] = ()
    hidden: frozenset[str] = frozenset()

    def under(self, *steps: object) -> Place:
        return Place((*self.steps, *map(str, steps)))

    def without(self, *keywords: str) -> Place:
        return replace(self, hidden=self.hidden.union(keywords))


OBJECT = Place((0,))
"""A schema of our own in every document, `{"type": "object"}`: no step of a caller's is a number."""


class Document:
    """One schema of a caller's, with all schemas inside it. `param`: its own path in the task's input."""

    def __init__(self, schema: Any, param: str) -> None:
        self.param = param
        self._values: dict[tuple[str | int, ...], Any] = {OBJECT.steps: {"type": "object"}}
        self._named: dict[str, tuple[str | int, ...]] = {}
        self._read(schema, ())
        self.old = isinstance(schema, dict) and "draft-0" in str(schema.get("$schema", ""))

    def _read(self, value: Any, steps: tuple[str | int, ...]) -> None:
        if len(steps) > DEEPEST:
            raise InvalidInput(
                f"This schema is nested deeper than {DEEPEST} levels; expected a flatter one.", self.param
            )
        self._values[steps] = value
        if isinstance(value, dict):
            for keyword in ("$id", "id", "$anchor"):
                name = value.get(keyword)
                if isinstance(name, str):
                    self._named.setdefault(f"#{name}" if keyword == "$anchor" else name, steps)
            for name, member in value.items():
                self._read(member, (*steps, name))
        elif isinstance(value, list):
            for index, member in enumerate(value):
                self._read(member, (*steps, str(index)))

    def schema(self, place: Place) -> dict[str, Any] | bool:
        """The keywords of the schema there; raises InvalidInput for what is no schema."""
        schema = self._values.get(place.steps)
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise self.broken(place, "a JSON Schema (an object, true or false)")
        return {name: value for name, value in schema.items() if name not in place.hidden}

    def values(self, parts: tuple[Place, ...], keyword: str) -> Iterator[tuple[Place, Any]]:
        """The keyword's values in a conjunction of schemas, each with the keyword's place."""
        for part in parts:
            schema = self.schema(part)
            if isinstance(schema, dict) and keyword in schema:
                yield part.under(keyword), schema[keyword]

    def counts(self, parts: tuple[Place, ...], keyword: str) -> list[int]:
        """The keyword's values, each of which must be a whole number, 0 at least."""
        return [self._count(place, value) for place, value in self.values(parts, keyword)]

    def _count(self, place: Place, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0 or value % 1:
            raise self.broken(place, "a whole number, 0 at least")
        return int(value)

    def branches(self, place: Place) -> tuple[Place, ...]:
        """The schemas of an `anyOf` and the like."""
        value = self._values[place.steps]
        if not isinstance(value, list) or not value:
            raise self.broken(place, "a list of at least one schema")
        return tuple(place.under(index) for index in range(len(value)))

    def resolve(self, place: Place) -> Place:
        """Where the `$ref` of the schema there points to."""
        schema = self.schema(place)
        assert isinstance(schema, dict)
        reference, at = schema["$ref"], place.under("$ref")
        if not isinstance(reference, str):
            raise self.broken(at, "a text")
        if reference in self._named:
            return Place(self._named[reference])
        base, _, fragment = reference.partition("#")
        start = self._named.get(base) if base else ()
        if start is None:
            raise self.unsupported(at, f"no schema is fetched; {reference!r} must lie in this one (#/$defs/…).")
        steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in unquote(fragment).split("/")[1:])
        if (*start, *steps) not in self._values or (fragment and not fragment.startswith("/")):
            raise InvalidInput(f"Nothing lies at {reference!r} in this schema.", self.path(at))
        return Place((*start, *steps))

    def path(self, place: Place) -> str:
        return ".".join([self.param, *map(str, place.steps)])

    def broken(self, place: Place, expected: str) -> InvalidInput:
        return InvalidInput(f"Broken schema at {self.path(place)}; expected {expected}.", self.path(place))

    def unsupported(self, place: Place, why: str) -> InvalidInput:
        message = f"The engine oneapi cannot hold its output to {place.steps[-1]} here: {why}"
        return InvalidInput(message, self.path(place), UNSUPPORTED)
