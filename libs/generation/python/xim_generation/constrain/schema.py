"""JSON Schemas before they become grammars: annotations go, patterns are translated, unsupported keywords are refused.

The keywords are those of JSON Schema 2020-12 and draft-07 (json-schema.org/specification).
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import validator_for
from xim_worker import InvalidInput

from .pattern import found_in, to_rust

# A schema beyond these is refused before anything is compiled.
_DEEPEST = 64
_MOST_NODES = 2_000

# They say nothing about a value, or nothing that a validator must look at.
_ANNOTATIONS = {
    *("$schema", "$id", "id", "$comment", "title", "description", "default", "examples", "example", "deprecated"),
    *("readOnly", "writeOnly", "nullable", "contentEncoding", "contentMediaType", "contentSchema", "discriminator"),
    *("externalDocs", "xml", "$anchor", "$vocabulary"),
}
_REFUSED = {
    *("not", "if", "then", "else", "dependentSchemas", "dependencies", "unevaluatedProperties", "unevaluatedItems"),
    *("$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"),
}
# What is checked in the finished output, since the grammar cannot count or compare.
_CHECKED = {"oneOf", "uniqueItems", "contains", "minContains", "maxContains", "dependentRequired", "propertyNames"}
_CHECKED |= {"minProperties", "maxProperties"}
_SCHEMA = {"additionalProperties", "additionalItems"}
_SCHEMAS = {"allOf", "anyOf", "oneOf", "prefixItems"}
_NAMED = {"properties", "patternProperties", "$defs", "definitions"}
_VALUES = {"const", "enum", "type", "required", "$ref", "pattern", "format"}
_NUMBERS = {
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
    *("minItems", "maxItems"),
}
# Formats that the grammar holds; any other is an annotation.
_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"}


class PlainSchema:
    """`grammar`: the schema for the grammar. `checked`: the finished output is validated against `original` too."""

    def __init__(self, schema: Any, param: str) -> None:
        self.original = schema
        self.checked = False
        self._nodes = 0
        self._refuse_malformed(schema, param)
        # Parts that are merged with others must stay open for the others' properties.
        self._closes = not _merges(schema)
        self.grammar = self._read(schema, param, 0)

    def _read(self, schema: Any, param: str, depth: int) -> Any:
        self._nodes += 1
        if depth > _DEEPEST:
            raise _unsupported(f"A schema deeper than {_DEEPEST} levels", param)
        if self._nodes > _MOST_NODES:
            raise _unsupported(f"A schema of more than {_MOST_NODES} parts", param)
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise InvalidInput(f"{param} is no JSON Schema; expected an object or a boolean.", param)
        plain: dict[str, Any] = {}
        for key, value in schema.items():
            place = f"{param}.{key}"
            if key in _REFUSED:
                raise _unsupported(f"The keyword {key}", place)
            if key in _CHECKED:
                self.checked = True
                # Validated in the end; the grammar would refuse them.
                if key != "oneOf":
                    if _has_pattern(value):
                        raise _unsupported(f"A pattern inside {key}", place)
                    continue
            if key in _ANNOTATIONS or key.startswith("x-"):
                continue
            if key in _NAMED:
                plain[key] = self._read_named(key, value, place, depth)
            elif key in _SCHEMAS or (key == "items" and isinstance(value, list)):
                if not isinstance(value, list) or (not value and key != "items" and key != "prefixItems"):
                    raise InvalidInput(f"{place} is no list of schemas; expected at least one.", place)
                plain[key] = [self._read(each, f"{place}.{at}", depth + 1) for at, each in enumerate(value)]
            elif key in _SCHEMA or key == "items":
                plain[key] = self._read(value, place, depth + 1)
            elif key == "pattern":
                plain[key] = f"^(?:{to_rust(found_in(value, place))})$"
            elif key == "format":
                if value in _FORMATS:
                    plain[key] = value
                    self.checked |= value in ("date", "date-time")
            elif key == "$ref":
                self._refuse_unknown(value, place)
                plain[key] = value
            elif key in _VALUES or key in _NUMBERS or key in _CHECKED:
                plain[key] = value
            # Any other keyword constrains nothing.
        if self._closes and _lists_all(plain):
            # Narrower than the schema: a small model invents properties for ever.
            plain["additionalProperties"] = False
        return plain

    def _refuse_malformed(self, schema: Any, param: str) -> None:
        """What is wrong by the schema's own meta-schema."""
        if not isinstance(schema, (dict, bool)):
            raise InvalidInput(f"{param} is no JSON Schema; expected an object or a boolean.", param)
        if isinstance(schema, bool):
            return
        try:
            json.dumps(schema, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise InvalidInput("A schema holds half a character (a lone surrogate).", param) from None
        except RecursionError:
            raise _unsupported(f"A schema deeper than {_DEEPEST} levels", param) from None
        kind = _validator_for(schema)
        try:
            # One finding is enough, and looking for the best of all takes long.
            wrong = next(kind(kind.META_SCHEMA).iter_errors(schema), None)
        except RecursionError:
            raise _unsupported(f"A schema deeper than {_DEEPEST} levels", param) from None
        if wrong is not None:
            place = ".".join([param, *map(str, wrong.absolute_path)])
            raise InvalidInput(f"{place} is not as JSON Schema has it: {wrong.message[:200]}.", place)

    def _refuse_unknown(self, reference: Any, param: str) -> None:
        if not isinstance(reference, str) or (reference != "#" and not reference.startswith("#/")):
            raise _unsupported("A $ref to another document, or to an anchor,", param)
        value = self.original
        for part in reference[2:].split("/") if reference != "#" else []:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            elif isinstance(value, dict) and name in value:
                value = value[name]
            else:
                raise InvalidInput(f"The $ref {reference[:200]!r} leads to no part of the schema.", param)

    def _read_named(self, key: str, value: Any, param: str, depth: int) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InvalidInput(f"{param} is no object of schemas.", param)
        read = {}
        for name, member in value.items():
            place = f"{param}.{name}"
            written = f"^(?:{to_rust(found_in(name, place))})$" if key == "patternProperties" else name
            read[written] = self._read(member, place, depth + 1)
        return read


def _merges(value: Any) -> bool:
    """Whether properties of one object may stand in several parts of the schema."""
    if isinstance(value, dict):
        beside = "properties" in value and not value.keys().isdisjoint({"$ref", "anyOf", "oneOf"})
        return beside or "allOf" in value or any(map(_merges, value.values()))
    return isinstance(value, list) and any(map(_merges, value))


def _lists_all(schema: dict[str, Any]) -> bool:
    """Whether the listed properties are all that an object needs, and nothing is said of others."""
    listed = schema.get("properties")
    if not listed or not schema.keys().isdisjoint({"additionalProperties", "patternProperties"}):
        return False
    return all(name in listed for name in schema.get("required", []))


def to_check(schema: Any) -> Any:
    """A jsonschema validator. Patterns are left out: the grammar holds them, and a caller's may take for ever."""
    plain = _without_patterns(schema)
    return _validator_for(plain)(plain, format_checker=_DATES)


def _validator_for(schema: Any) -> Any:
    return validator_for(schema, default=Draft202012Validator)


def _is_date(value: object) -> bool:
    """A day of the calendar; the rest of the format is the grammar's."""
    return not isinstance(value, str) or bool(date.fromisoformat(value[:10]))


_DATES = FormatChecker(formats=())
_DATES.checkers = dict.fromkeys(("date", "date-time"), (_is_date, ValueError))


def _has_pattern(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key in ("pattern", "patternProperties") or _has_pattern(member) for key, member in value.items())
    return isinstance(value, list) and any(map(_has_pattern, value))


def _without_patterns(value: Any) -> Any:
    if isinstance(value, dict):
        # Beside names that are looked for by a pattern, the rest cannot be told apart.
        dropped = {"patternProperties", "additionalProperties"} if "patternProperties" in value else set()
        return {
            key: _without_patterns(member)
            for key, member in value.items()
            if key not in dropped and not (key == "pattern" and isinstance(member, str))
        }
    return [_without_patterns(member) for member in value] if isinstance(value, list) else value


def _unsupported(what: str, param: str) -> InvalidInput:
    message = f"{what} cannot be held to by a grammar; leave it out."
    return InvalidInput(message, param, "XIM_UNSUPPORTED_PARAMETER")
