"""JSON as XIM's grammars write it: `{"a": 1, "b": [1, 2]}`, with exactly one space after each colon and comma.

One fixed style bounds white space, and it is the one in which chat templates and Python show JSON to a model, so its
tokens are the likely ones.
"""

from __future__ import annotations

import json
import math
from typing import Any

from .char_sets import ANY, HEX, chars, intersect
from .nodes import Alt, Chars, Node, Repeat, Rule, Rules, Seq, Text, alt, optional, seq

DIGITS = 15
"""Digits of a number before the dot, and after it: what a double holds, and no more, lest a model never ends one."""

_SHORT = {'"': '"', "\\": "\\", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
_PLAIN = Chars(intersect(ANY.ranges, ((0x20, 0x21), (0x23, 0x5B), (0x5D, 0x10FFFF))))
_DIGIT = chars(("0", "9"))

COMMA = Text(", ")
QUOTE = Text('"')


def _escape() -> Node:
    """What follows a backslash; half of a surrogate pair is none."""
    unit = alt(
        [
            seq(chars(("0", "9"), ("a", "c"), ("A", "C"), "efEF"), Repeat(HEX, 3, 3)),
            seq(chars("dD"), chars(("0", "7")), Repeat(HEX, 2, 2)),
            seq(
                *(chars("dD"), chars("89abAB"), Repeat(HEX, 2, 2), Text("\\u")),
                *(chars("dD"), chars(("c", "f"), ("C", "F")), Repeat(HEX, 2, 2)),
            ),
        ]
    )
    return alt([chars('"\\/bfnrt'), seq(Text("u"), unit)])


def character(rules: Rules) -> Node:
    """One character inside a string, raw or escaped."""
    return alt([_PLAIN, seq(Text("\\"), rules.once("escape", _escape()))])


def rest_of_string(rules: Rules) -> Rule:
    """Any characters, and the quote that ends the string.

    The loop is over a set and not over a rule: tokens of several characters are then known to fit before the model is
    asked, which makes a token a hundred times cheaper.
    """
    if "rest" not in rules.bodies:
        escaped = seq(Text("\\"), rules.once("escape", _escape()), Rule("rest"))
        rules.bodies["rest"] = seq(Repeat(_PLAIN, 0, None), alt([QUOTE, escaped]))
    return Rule("rest")


def short_rest_of_string(rules: Rules, most: int) -> Rule:
    """At most so many characters, and the quote. Written out to the quote, so that no token is looked at twice."""
    rules.once("rest_0", QUOTE)
    for count in range(1, most + 1):
        rules.once(f"rest_{count}", alt([seq(character(rules), Rule(f"rest_{count - 1}")), QUOTE]))
    return Rule(f"rest_{most}")


def any_string(rules: Rules) -> Rule:
    return rules.once("string", seq(QUOTE, rest_of_string(rules)))


def any_number(rules: Rules) -> Rule:
    fraction = seq(Text("."), Repeat(_DIGIT, 1, DIGITS))
    # Two digits: a greater one is no finite double.
    exponent = seq(chars("eE"), optional(chars("+-")), Repeat(_DIGIT, 1, 2))
    body = seq(optional(Text("-")), natural(), optional(fraction), optional(exponent))
    return rules.once("number", body)


def any_integer(rules: Rules) -> Rule:
    return rules.once("integer", alt([Text("0"), seq(optional(Text("-")), positive())]))


def positive() -> Node:
    return seq(chars(("1", "9")), Repeat(_DIGIT, 0, DIGITS - 1))


def natural() -> Node:
    return alt([Text("0"), positive()])


def any_value(rules: Rules) -> Rule:
    if "value" not in rules.bodies:
        rules.bodies["value"] = Text("null")
        rules.bodies["value"] = Alt(
            (
                any_object(rules),
                any_array(rules),
                any_string(rules),
                any_number(rules),
                *map(Text, ("true", "false", "null")),
            )
        )
    return Rule("value")


def any_object(rules: Rules) -> Rule:
    if "object" not in rules.bodies:
        rules.bodies["object"] = Text("{}")
        rules.bodies["object"] = members(seq(any_string(rules), Text(": "), any_value(rules)), 0, None)
    return Rule("object")


def any_array(rules: Rules) -> Rule:
    if "array" not in rules.bodies:
        rules.bodies["array"] = Text("[]")
        rules.bodies["array"] = listed("[", any_value(rules), "]", 0, None)
    return Rule("array")


def members(member: Node, least: int, most: int | None) -> Node:
    return listed("{", member, "}", least, most)


def listed(begin: str, item: Node, end: str, least: int, most: int | None) -> Node:
    """`least` to `most` items between brackets."""
    if most is not None and most < max(least, 1):
        return Text(begin + end) if most == 0 and least == 0 else Alt(())
    more = Repeat(seq(COMMA, item), max(least - 1, 0), None if most is None else most - 1)
    some = seq(item, more) if most != 1 else item
    return seq(Text(begin), some if least else optional(some), Text(end))


def to_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), allow_nan=False)


def key_of(value: Any) -> Any:
    """Equal for what JSON Schema calls equal: 1 and 1.0 are, 1 and true are not, members have no order."""
    if isinstance(value, dict):
        return ("object", frozenset((name, key_of(member)) for name, member in value.items()))
    if isinstance(value, list):
        return ("array", tuple(map(key_of, value)))
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, (int, float)):
        return (
            "number",
            int(value) if isinstance(value, int) or (math.isfinite(value) and value == int(value)) else value,
        )
    return ("string", value)


def in_string(node: Node) -> Node:
    """An expression over a string's characters, as an expression over JSON text: each is written in one way."""
    if isinstance(node, Text):
        return Text("".join(map(_write, node.value)))
    if isinstance(node, Chars):
        return _written(node)
    if isinstance(node, Repeat):
        return _repeated(in_string(node.item), node.least, node.most)
    if isinstance(node, (Seq, Alt)):
        return type(node)(tuple(map(in_string, node.items)))
    return node


def _repeated(item: Node, least: int, most: int | None) -> Node:
    if most is not None or not isinstance(item, Alt) or not isinstance(item.items[0], Chars):
        return Repeat(item, least, most)
    plain = Repeat(item.items[0], 0, None)
    escaped = Repeat(seq(alt(item.items[1:]), plain), 0, None)
    return seq(Repeat(item, least, least), plain, escaped)


def _write(char: str) -> str:
    return f"\\{_SHORT[char]}" if char in _SHORT else char if char >= " " else f"\\u{ord(char):04x}"


def _written(node: Chars) -> Node:
    plain = intersect(node.ranges, _PLAIN.ranges)
    short = [char for char in _SHORT if any(low <= ord(char) <= high for low, high in node.ranges)]
    ways: list[Node] = [Chars(plain)] if plain else []
    if short:
        ways.append(seq(Text("\\"), chars("".join(_SHORT[char] for char in short))))
    # Other control characters only where nothing else is meant: no text needs them, and each costs a rule.
    rest = [] if ways else [code for low, high in intersect(node.ranges, ((0, 0x1F),)) for code in range(low, high + 1)]
    return alt([*ways, *(Text(_write(chr(code))) for code in rest)])
