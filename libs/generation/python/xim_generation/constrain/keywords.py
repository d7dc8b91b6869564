"""The keywords of JSON Schema: which of them are enforced, and the form of their values.

Source: json-schema.org/specification, draft-04 to 2020-12.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

# Validators ignore these keywords.
ANNOTATIONS = {
    *("$schema", "$id", "id", "$comment", "title", "description", "default", "examples", "example", "deprecated"),
    *("readOnly", "writeOnly", "nullable", "contentEncoding", "contentMediaType", "contentSchema", "discriminator"),
    *("externalDocs", "xml", "$anchor", "$vocabulary"),
}
REFUSED = {
    *("not", "if", "then", "else", "dependentSchemas", "dependencies", "unevaluatedProperties", "unevaluatedItems"),
    *("$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"),
}
# Validated in the finished output, since the grammar cannot count or compare.
CHECKED = {"oneOf", "uniqueItems", "contains", "minContains", "maxContains", "dependentRequired", "propertyNames"}
CHECKED |= {"minProperties", "maxProperties"}
SCHEMA = {"additionalProperties", "additionalItems", "contains", "propertyNames", "items"}
SCHEMAS = {"allOf", "anyOf", "oneOf", "prefixItems"}
NAMED = {"properties", "patternProperties", "$defs", "definitions"}
BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
COUNTS = {
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minContains",
    "maxContains",
}
# Formats that the grammar enforces; any other format is an annotation.
FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"}

_TYPES = {"null", "boolean", "object", "array", "number", "string", "integer"}
_SINCE = {"const": 6, "contains": 6, "propertyNames": 6, "dependentRequired": 2019, "minContains": 2019}
_SINCE |= {"maxContains": 2019, "prefixItems": 2020}

Fits = Callable[[Any], bool]


def draft_of(schema: Any) -> int:
    """3, 4, 6, 7, 2019 or 2020, by the schema's `$schema`; 2020 if it names no known draft."""
    uri = str(schema.get("$schema", "")) if isinstance(schema, dict) else ""
    for name, draft in {"draft-03": 3, "draft-04": 4, "draft-06": 6, "draft-07": 7, "2019-09": 2019}.items():
        if name in uri:
            return draft
    return 2020


def is_known(keyword: str, draft: int) -> bool:
    """Whether the keyword constrains a value in this draft."""
    if keyword == "additionalItems" and draft >= 2020:
        return False
    return keyword in _EXPECTED and draft >= _SINCE.get(keyword, 0)


def expected(keyword: str, value: Any, draft: int) -> str | None:
    """The expected value of a known keyword, as words for a message; None if the value is valid."""
    if keyword in ("exclusiveMinimum", "exclusiveMaximum") and draft == 4:
        return None if isinstance(value, bool) else "true or false"
    if keyword == "items" and isinstance(value, list) and draft < 2020:
        return None
    fits, words = _EXPECTED[keyword]
    return None if fits(value) else words


def is_number(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and math.isfinite(value)
    )


def _is_count(value: Any) -> bool:
    return is_number(value) and value >= 0 and value % 1 == 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _are_types(value: Any) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name in _TYPES for name in names)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _are_lists_of_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_are_texts, value.values()))


_EXPECTED: dict[str, tuple[Fits, str]] = {
    **dict.fromkeys(SCHEMA, (lambda value: isinstance(value, (dict, bool)), "a schema")),
    **dict.fromkeys(SCHEMAS, (_is_list, "a list of at least one schema")),
    **dict.fromkeys(NAMED, (lambda value: isinstance(value, dict), "an object of schemas")),
    **dict.fromkeys(BOUNDS, (is_number, "a number")),
    **dict.fromkeys(COUNTS, (_is_count, "a whole number, 0 at least")),
    **dict.fromkeys(("pattern", "format", "$ref"), (_is_text, "a text")),
    "multipleOf": (lambda value: is_number(value) and value > 0, "a number above 0"),
    "uniqueItems": (lambda value: isinstance(value, bool), "true or false"),
    "type": (_are_types, f"one of {', '.join(sorted(_TYPES))}, or a list of them"),
    "required": (_are_texts, "a list of names"),
    "dependentRequired": (_are_lists_of_texts, "lists of names"),
    "enum": (_is_list, "a list of at least one value"),
    "const": (lambda _: True, ""),
}
