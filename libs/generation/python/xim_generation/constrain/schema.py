"""JSON Schemas before they become grammars: annotations go, patterns are translated, unsupported keywords are refused.

The keywords are those of JSON Schema 2020-12 and draft-07 (json-schema.org/specification).
"""

from __future__ import annotations

from typing import Any

from xim_worker import InvalidInput

from .pattern import found_in, to_rust

# A schema beyond these is refused before anything is compiled.
_DEEPEST = 64
_MOST_NODES = 20_000

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
_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}


class PlainSchema:
    """`grammar`: the schema for the grammar. `checked`: the finished output is validated against `original` too."""

    def __init__(self, schema: Any, param: str) -> None:
        self.original = schema
        self.checked = False
        self._nodes = 0
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
                if key not in ("oneOf", "minProperties", "maxProperties"):
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
            elif key == "$ref":
                if not isinstance(value, str) or not value.startswith("#"):
                    raise _unsupported("A $ref to another document", place)
                plain[key] = value
            elif key in _VALUES or key in _NUMBERS or key in _CHECKED:
                plain[key] = value
            # Any other keyword constrains nothing.
        return plain

    def _read_named(self, key: str, value: Any, param: str, depth: int) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InvalidInput(f"{param} is no object of schemas.", param)
        read = {}
        for name, member in value.items():
            place = f"{param}.{name}"
            written = f"^(?:{to_rust(found_in(name, place))})$" if key == "patternProperties" else name
            read[written] = self._read(member, place, depth + 1)
        return read


def to_check(schema: Any) -> Any:
    """A jsonschema validator. Patterns are left out: the grammar holds them, and a caller's may take for ever."""
    # Imported only where it is needed: it takes a tenth of a second.
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for

    plain = _without_patterns(schema)
    return validator_for(plain, default=Draft202012Validator)(plain)


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
