"""Parses a pattern of ECMA-262. Constructs that are not regular, or that depend on context, are refused with their
position.
"""

from __future__ import annotations

from .char_sets import chars, complement
from .characters import CharacterReader
from .nodes import Anchor, Chars, Node, Repeat, Seq, Text, alt

BEGIN, END = Anchor("^"), Anchor("$")

# Nested groups, and repetitions of one part: a pattern beyond these limits is refused.
_DEEPEST = 64
_LONGEST_REPEAT = 2000

_DOT = Chars(complement(chars("\n\r\u2028\u2029").ranges))
_QUANTIFIERS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def parse(pattern: str, param: str) -> Node:
    """Anchors are the nodes BEGIN and END; raises InvalidInput."""
    reader = _Reader(pattern, param)
    node = reader.choice(0)
    if reader.more():
        raise reader.broken("a group before this )")
    return node


class _Reader(CharacterReader):
    def choice(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self.broken(f"at most {_DEEPEST} nested groups")
        ways = [self._sequence(depth)]
        while self.take("|"):
            ways.append(self._sequence(depth))
        return alt(ways)

    def _sequence(self, depth: int) -> Node:
        items: list[Node] = []
        while self.more() and not self.peek("|") and not self.peek(")"):
            items.append(self._term(depth))
        return items[0] if len(items) == 1 else Seq(tuple(items))

    def _term(self, depth: int) -> Node:
        char = self._pattern[self._at]
        if char in "*+?":
            raise self.broken(f"something to repeat before {char}")
        item = self._atom(char, depth)
        bounds = self._quantifier()
        if bounds is None:
            return item
        if item in (BEGIN, END):
            raise self.broken("no quantifier after an anchor")
        least, most = bounds
        if max(least, most or 0) > _LONGEST_REPEAT:
            raise self.refused(f"more than {_LONGEST_REPEAT} repetitions")
        return Repeat(item, least, most)

    def _quantifier(self) -> tuple[int, int | None] | None:
        bounds: tuple[int, int | None] | None = None
        for sign, known in _QUANTIFIERS.items():
            if self.take(sign):
                bounds = known
                break
        else:
            if self.peek("{"):
                bounds = self._braces()
        if bounds is not None:
            # Lazy: it matches the same texts.
            self.take("?")
        return bounds

    def _braces(self) -> tuple[int, int | None] | None:
        end = self._pattern.find("}", self._at)
        low, comma, high = self._pattern[self._at + 1 : max(end, 0)].partition(",")
        if end < 0 or not _is_number(low) or not (high == "" or _is_number(high)) or len(low + high) > 9:
            return None
        self._at = end + 1
        least = int(low)
        most = int(high) if high else None if comma else least
        if most is not None and most < least:
            raise self.broken("a greater number after the comma")
        return least, most

    def _atom(self, char: str, depth: int) -> Node:
        if char == "(":
            return self._group(depth)
        if char == "\\":
            return self.escape()
        self._at += 1
        if char == "[":
            return self.char_class()
        if char in "^$":
            return BEGIN if char == "^" else END
        return _DOT if char == "." else Text(char)

    def _group(self, depth: int) -> Node:
        if any(self.peek(f"(?{sign}") for sign in ("=", "!", "<=", "<!")):
            raise self.refused("lookahead and lookbehind")
        start = self._at
        if self.take("(?<"):
            end = self._pattern.find(">", self._at)
            if end < 0 or not self._pattern[self._at : end].isidentifier():
                raise self.broken("a group's name and >")
            self._at = end + 1
        elif not self.take("(?:"):
            self._at += 1
            if self.peek("?"):
                raise self.refused("this kind of group")
        inner = self.choice(depth + 1)
        if not self.take(")"):
            self._at = start
            raise self.broken("a ) that closes this group")
        return inner


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
