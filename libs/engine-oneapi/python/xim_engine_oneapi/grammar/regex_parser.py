"""Reads a pattern of ECMA-262. What is not regular, or depends on what lies around, is refused with its position."""

from __future__ import annotations

from xim_worker import InvalidInput

from .char_sets import Ranges, chars, complement, union
from .limits import DEEPEST, LONGEST_REPEAT
from .nodes import Chars, Node, Repeat, Rule, Seq, Text, alt

BEGIN, END = Rule("^"), Rule("$")

_DIGIT = chars(("0", "9")).ranges
_WORD = chars(("0", "9"), ("A", "Z"), ("a", "z"), "_").ranges
_SPACE = chars("\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff", ("\u2000", "\u200a")).ranges
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_DOT = Chars(complement(chars("\n\r\u2028\u2029").ranges))
_CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_QUANTIFIERS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def parse(pattern: str, param: str) -> Node:
    """Anchors are the rules BEGIN and END; raises InvalidInput."""
    reader = _Reader(pattern, param)
    node = reader.choice(0)
    if reader.more():
        raise reader.broken("a group before this )")
    return node


class _Reader:
    def __init__(self, pattern: str, param: str) -> None:
        self._pattern = pattern
        self._param = param
        self._at = 0
        if any("\ud800" <= char <= "\udfff" for char in pattern):
            raise InvalidInput("A pattern holds half a character (a lone surrogate).", param)

    def more(self) -> bool:
        return self._at < len(self._pattern)

    def broken(self, expected: str) -> InvalidInput:
        return InvalidInput(f"Broken pattern at position {self._at}; expected {expected}.", self._param)

    def _refused(self, what: str) -> InvalidInput:
        message = (
            f"The engine oneapi does not support {what} in a pattern (position {self._at}); expected a pattern without."
        )
        return InvalidInput(message, self._param, "XIM_UNSUPPORTED_PARAMETER")

    def _peek(self, text: str) -> bool:
        return self._pattern.startswith(text, self._at)

    def _take(self, text: str) -> bool:
        found = self._peek(text)
        self._at += len(text) if found else 0
        return found

    def choice(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise self.broken(f"at most {DEEPEST} groups in each other")
        ways = [self._sequence(depth)]
        while self._take("|"):
            ways.append(self._sequence(depth))
        return alt(ways)

    def _sequence(self, depth: int) -> Node:
        items: list[Node] = []
        while self.more() and not self._peek("|") and not self._peek(")"):
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
        if max(least, most or 0) > LONGEST_REPEAT:
            raise self._refused(f"more than {LONGEST_REPEAT} repetitions")
        return Repeat(item, least, most)

    def _quantifier(self) -> tuple[int, int | None] | None:
        bounds: tuple[int, int | None] | None = None
        for sign, known in _QUANTIFIERS.items():
            if self._take(sign):
                bounds = known
                break
        else:
            if self._peek("{"):
                bounds = self._braces()
        if bounds is not None:
            # Lazy: the same texts match.
            self._take("?")
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
            return self._escape()
        self._at += 1
        if char == "[":
            return self._class()
        if char in "^$":
            return BEGIN if char == "^" else END
        return _DOT if char == "." else Text(char)

    def _group(self, depth: int) -> Node:
        if any(self._peek(f"(?{sign}") for sign in ("=", "!", "<=", "<!")):
            raise self._refused("lookahead and lookbehind")
        start = self._at
        if self._take("(?<"):
            end = self._pattern.find(">", self._at)
            if end < 0 or not self._pattern[self._at : end].isidentifier():
                raise self.broken("a group's name and >")
            self._at = end + 1
        elif not self._take("(?:"):
            self._at += 1
            if self._peek("?"):
                raise self._refused("this kind of group")
        inner = self.choice(depth + 1)
        if not self._take(")"):
            self._at = start
            raise self.broken("a ) that closes this group")
        return inner

    def _escape(self) -> Node:
        following = self._pattern[self._at + 1 : self._at + 2]
        if following in ("b", "B"):
            raise self._refused(f"\\{following}")
        if following == "k" or (following.isdigit() and following != "0"):
            raise self._refused("back references")
        self._at += 1
        code = self._escaped()
        return Text(chr(code)) if isinstance(code, int) else Chars(code)

    def _escaped(self) -> int | Ranges:
        """After a backslash: a character, or a set of such."""
        if not self.more():
            raise self.broken("a character after the backslash")
        char = self._pattern[self._at]
        if char in "pP":
            raise self._refused("\\p{…}")
        self._at += 1
        if char.lower() in _CLASSES:
            ranges = _CLASSES[char.lower()]
            return ranges if char.islower() else complement(ranges)
        if char in _CONTROLS:
            return ord(_CONTROLS[char])
        if char == "0" and not self._pattern[self._at : self._at + 1].isdigit():
            return 0
        if char == "c" and self._pattern[self._at : self._at + 1].isalpha():
            self._at += 1
            return ord(self._pattern[self._at - 1]) % 32
        if char in "xu":
            return self._hexadecimal(2 if char == "x" else 4)
        if char.isalnum():
            self._at -= 1
            raise self.broken("an escape that ECMA-262 knows")
        return ord(char)

    def _hexadecimal(self, width: int) -> int:
        digits = self._pattern[self._at : self._at + width]
        if width == 4 and digits.startswith("{"):
            digits = self._pattern[self._at + 1 : max(self._pattern.find("}", self._at), 0)]
            width = len(digits) + 2
        self._at += width
        if not digits or len(digits) > 6 or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
            raise self.broken("hexadecimal digits before")
        code = int(digits, 16)
        if 0xD800 <= code <= 0xDBFF and self._peek("\\u"):
            self._at += 2
            code = 0x10000 + (code - 0xD800) * 0x400 + (self._hexadecimal(4) - 0xDC00)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF or (width == 4 and len(digits) != 4):
            raise self.broken("the code of a whole character before")
        return code

    def _class(self) -> Node:
        start, negated = self._at, self._take("^")
        ranges: list[tuple[int, int]] = []
        while not self._take("]"):
            if not self.more():
                self._at = start
                raise self.broken("a ] that closes this class")
            low = self._member()
            if isinstance(low, int) and self._peek("-") and not self._peek("-]"):
                self._at += 1
                high = self._member() if self.more() else low
                if isinstance(high, int):
                    if high < low:
                        raise self.broken("the greater character after the dash")
                    low = ((low, high),)
                else:
                    low = ((low, low), (ord("-"), ord("-")), *high)
            ranges += ((low, low),) if isinstance(low, int) else low
        return Chars(complement(union(ranges)) if negated else complement(complement(union(ranges))))

    def _member(self) -> int | Ranges:
        char = self._pattern[self._at]
        self._at += 1
        if char != "\\":
            return ord(char)
        if self._take("b"):
            return 8
        if self._peek("-"):
            self._at += 1
            return ord("-")
        return self._escaped()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
