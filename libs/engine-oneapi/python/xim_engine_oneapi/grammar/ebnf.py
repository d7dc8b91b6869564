"""A grammar as text: xgrammar's EBNF (a dialect of GBNF). What can never match is left out, and so are unused rules.

Every character that is not a letter or digit of ASCII is written as an escape, so that no text of a caller's can mean
anything to the library but itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from xim_worker import InvalidInput

from .limits import MOST_RULES, MOST_WORK, WIDE, WORK_OF_LETTER, WORK_OF_RULE, WORK_OF_SET, WORK_OF_WIDE_SET
from .nodes import Alt, Chars, Node, Repeat, Rule, Rules, Seq, Text
from .repeats import Repeats


def to_ebnf(root: Node, rules: Rules, param: str) -> str:
    """`param` is named where no text at all matches, or the grammar is larger than the library compiles in time."""
    repeats = Repeats(rules)
    shared = {name: repeats.share(body) for name, body in {**rules.bodies, "root": root}.items()}
    bodies = {**rules.bodies, **shared}
    finite = _finite(bodies)
    if "root" not in finite:
        raise InvalidInput("No value can ever validate against this schema; expected at least one that does.", param)
    lines: dict[str, str] = {}
    work = 0.0
    waiting = ["root"]
    while waiting:
        name = waiting.pop()
        if name in lines:
            continue
        writer = _Writer(finite)
        lines[name] = f"{name} ::= {writer.write(bodies[name], outer=True)}"
        waiting += reversed(writer.used)
        work += WORK_OF_RULE + work_of(bodies[name])
        if len(lines) > MOST_RULES or work > MOST_WORK:
            raise InvalidInput(
                "This format makes a grammar that the engine would take too long to compile; expected fewer properties "
                "and alternatives, shorter texts in enum and pattern, or smaller bounds.",
                param,
            )
    return "\n".join(lines.values()) + "\n"


def work_of(node: Node) -> float:
    """What compiling an expression costs, without the rules that it refers to; in the unit of MOST_WORK."""
    if isinstance(node, Text):
        return WORK_OF_LETTER * len(node.value.encode())
    if isinstance(node, Chars):
        return WORK_OF_WIDE_SET if sum(high - low for low, high in node.ranges) > WIDE else WORK_OF_SET
    if isinstance(node, Repeat):
        return work_of(node.item) * max(node.least, node.most or 1, 1)
    return sum(map(work_of, node.items)) if isinstance(node, (Seq, Alt)) else WORK_OF_LETTER


def _finite(bodies: Mapping[str, Node]) -> set[str]:
    """The rules that some text of finite length matches."""
    users: dict[str, set[str]] = {}
    for name, body in bodies.items():
        for used in _references(body):
            users.setdefault(used, set()).add(name)
    finite: set[str] = set()
    waiting = list(bodies)
    while waiting:
        name = waiting.pop()
        if name not in finite and _matches_something(bodies[name], finite):
            finite.add(name)
            waiting += users.get(name, ())
    return finite


def _references(node: Node) -> list[str]:
    if isinstance(node, Rule):
        return [node.name]
    if isinstance(node, (Seq, Alt)):
        return [name for item in node.items for name in _references(item)]
    return _references(node.item) if isinstance(node, Repeat) else []


def _matches_something(node: Node, finite: set[str]) -> bool:
    if isinstance(node, Rule):
        return node.name in finite
    if isinstance(node, Seq):
        return all(_matches_something(item, finite) for item in node.items)
    if isinstance(node, Alt):
        return any(_matches_something(item, finite) for item in node.items)
    if isinstance(node, Repeat):
        return node.least == 0 or _matches_something(node.item, finite)
    return isinstance(node, Text) or bool(node.ranges)


# The library prints a grammar and reads it again, and then takes a letter or digit behind such a character's escape as
# part of it: U+00EF and "c" come back as U+0EFC. In two literals they stay two characters.
_BEHIND_ESCAPE = re.compile(r"(?<=[^\x20-\x7e])(?=[0-9A-Za-z])")


class _Writer:
    def __init__(self, finite: set[str]) -> None:
        self._finite = finite
        self.used: list[str] = []

    def write(self, node: Node, outer: bool = False) -> str:
        """`outer`: no parentheses are needed around it."""
        if isinstance(node, Text):
            pieces = [f'"{"".join(map(_escape, piece))}"' for piece in _BEHIND_ESCAPE.split(node.value)]
            joined = " ".join(pieces)
            return joined if outer or len(pieces) == 1 else f"({joined})"
        if isinstance(node, Chars):
            # What is printed as it is comes first, so that it follows no escape.
            ranges = sorted(node.ranges, key=lambda each: not 0x20 <= each[0] <= each[1] < 0x7F)
            return f"[{''.join(_write_range(low, high) for low, high in ranges)}]"
        if isinstance(node, Rule):
            self.used.append(node.name)
            return node.name
        if isinstance(node, Repeat):
            return self._write_repeat(node)
        if isinstance(node, Seq):
            texts = [self.write(item) for item in node.items if item != Seq(())] or ['""']
            joined = " ".join(texts)
        else:
            texts = [self.write(item) for item in node.items if _matches_something(item, self._finite)]
            joined = " | ".join(texts)
        return joined if outer or len(texts) == 1 else f"({joined})"

    def _write_repeat(self, node: Repeat) -> str:
        if node.most == 0 or not _matches_something(node.item, self._finite):
            return '""'
        item = self.write(node.item)
        if item.endswith(("*", "+", "?", "}")):
            item = f"({item})"
        if (node.least, node.most) == (1, 1):
            return item
        known = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((node.least, node.most))
        if known:
            return item + known
        if node.least == node.most:
            return f"{item}{{{node.least}}}"
        return f"{item}{{{node.least},{'' if node.most is None else node.most}}}"


def _write_range(low: int, high: int) -> str:
    return _escape(chr(low)) if low == high else f"{_escape(chr(low))}-{_escape(chr(high))}"


def _escape(char: str) -> str:
    if char.isascii() and (char.isalnum() or char == " "):
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
