"""Whether a value that is at hand validates, which values a schema lists, and which texts a pattern finds."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from .formats import FORMATS
from .inside import item_parts, member_parts, required_names
from .json_text import key_of, to_text
from .place import Place
from .ranges import bounds_of
from .regex import matcher, node_matcher
from .types import allowed_types, type_of

if TYPE_CHECKING:
    from .schema import Parts, SchemaGrammar


def finite_values(grammar: SchemaGrammar, parts: Parts) -> list[Any] | None:
    """What `const` or `enum` lists, without doubles; None where neither is there."""
    for place, value in grammar.document.values(parts, "const"):
        _check_value(grammar, place, value)
        return [value]
    for place, value in grammar.document.values(parts, "enum"):
        if not isinstance(value, list) or not value:
            raise grammar.document.broken(place, "a list of at least one value")
        _check_value(grammar, place, value)
        return list({key_of(each): each for each in value}.values())
    return None


def _check_value(grammar: SchemaGrammar, place: Place, value: Any) -> None:
    try:
        to_text(value).encode("utf-8")
    except (UnicodeEncodeError, ValueError):
        raise grammar.document.broken(place, "numbers that are finite and texts without half a character") from None


def holds(grammar: SchemaGrammar, place: Place, value: Any) -> bool:
    """Whether the value validates against the schema there, formats that are known included."""
    flat = grammar.flatten((place,))
    return flat is not None and all(_holds(grammar, part, value) for part in flat)


def _holds(grammar: SchemaGrammar, part: Place, value: Any) -> bool:
    document = grammar.document
    schema = document.schema(part)
    if isinstance(schema, bool):
        return schema
    kind = type_of(value)
    if kind not in allowed_types(document, (part,)):
        return False
    if "const" in schema and key_of(schema["const"]) != key_of(value):
        return False
    if "enum" in schema and key_of(value) not in map(key_of, schema["enum"]):
        return False
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            fits = sum(holds(grammar, branch, value) for branch in document.branches(part.under(keyword)))
            if not fits or (fits > 1 and keyword == "oneOf"):
                return False
    if "not" in schema and holds(grammar, part.under("not"), value):
        return False
    if "if" in schema:
        then = "then" if holds(grammar, part.under("if"), value) else "else"
        if then in schema and not holds(grammar, part.under(then), value):
            return False
    if kind == "string":
        return _string_holds(grammar, part, value)
    if kind in ("integer", "fraction"):
        return _number_holds(grammar, part, value)
    if kind == "object":
        return _object_holds(grammar, part, value)
    return kind != "array" or _array_holds(grammar, part, value)


def _object_holds(grammar: SchemaGrammar, part: Place, value: dict[str, Any]) -> bool:
    document, parts = grammar.document, (part,)
    if not required_names(grammar, parts) <= value.keys():
        return False
    if any(len(value) < least for least in document.counts(parts, "minProperties")):
        return False
    if any(len(value) > most for most in document.counts(parts, "maxProperties")):
        return False
    for keyword in _NOT_LOOKED_INTO:
        for place, _ in document.values(parts, keyword):
            raise document.unsupported(place, "objects are listed beside it.")
    names = [place for place, _ in document.values(parts, "propertyNames")]
    return all(
        all(holds(grammar, place, name) for place in names)
        and all(holds(grammar, place, member) for place in member_parts(grammar, parts, name))
        for name, member in value.items()
    )


def _array_holds(grammar: SchemaGrammar, part: Place, value: list[Any]) -> bool:
    document, parts = grammar.document, (part,)
    if any(len(value) < least for least in document.counts(parts, "minItems")):
        return False
    if any(len(value) > most for most in document.counts(parts, "maxItems")):
        return False
    if any(unique is True for _, unique in document.values(parts, "uniqueItems")) and len(
        set(map(key_of, value))
    ) < len(value):
        return False
    for place, _ in document.values(parts, "contains"):
        raise document.unsupported(place, "arrays are listed beside it.")
    return all(
        holds(grammar, place, item) for index, item in enumerate(value) for place in item_parts(grammar, parts, index)
    )


_NOT_LOOKED_INTO = ("dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties")


def _string_holds(grammar: SchemaGrammar, part: Place, value: str) -> bool:
    document = grammar.document
    if any(len(value) < least for least in document.counts((part,), "minLength")):
        return False
    if any(len(value) > most for most in document.counts((part,), "maxLength")):
        return False
    for place, pattern in document.values((part,), "pattern"):
        if not matcher(pattern, document.path(place))(value):
            return False
    known = [FORMATS[name] for _, name in document.values((part,), "format") if name in FORMATS]
    return all(node_matcher(node)(value) for node in known)


def _number_holds(grammar: SchemaGrammar, part: Place, value: float) -> bool:
    least, most = bounds_of(grammar, (part,))
    exact = Fraction(value)
    if (least and (exact < least.value or (least.open and exact == least.value))) or (
        most and (exact > most.value or (most.open and exact == most.value))
    ):
        return False
    return all(exact % Fraction(str(step)) == 0 for _, step in grammar.document.values((part,), "multipleOf"))
