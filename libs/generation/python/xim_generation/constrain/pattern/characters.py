"""Reads the characters of a pattern of ECMA-262: escapes and classes."""

from __future__ import annotations

from xim_worker import InvalidInput

from .char_sets import Ranges, chars, complement, union
from .nodes import Chars, Node, Text

_DIGIT = chars(("0", "9")).ranges
_WORD = chars(("0", "9"), ("A", "Z"), ("a", "z"), "_").ranges
_SPACE = chars("\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff", ("\u2000", "\u200a")).ranges
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
# The time of a mask grows with the characters of a pattern: 2 ms for this many.
_LONGEST = 8_000
_CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}


class CharacterReader:
    """A position in a pattern; errors name `param`."""

    def __init__(self, pattern: str, param: str) -> None:
        self._pattern = pattern
        self._param = param
        self._at = 0
        if len(pattern) > _LONGEST:
            raise self.refused(f"More than {_LONGEST} characters")
        if any("\ud800" <= char <= "\udfff" for char in pattern):
            raise InvalidInput("A pattern holds half a character (a lone surrogate).", param)

    def more(self) -> bool:
        return self._at < len(self._pattern)

    def broken(self, expected: str) -> InvalidInput:
        return InvalidInput(f"Broken pattern at position {self._at}; expected {expected}.", self._param)

    def refused(self, what: str) -> InvalidInput:
        message = f"{what} in a pattern cannot be enforced (position {self._at}); expected a pattern without."
        return InvalidInput(message, self._param, "XIM_UNSUPPORTED_PARAMETER")

    def peek(self, text: str) -> bool:
        return self._pattern.startswith(text, self._at)

    def take(self, text: str) -> bool:
        found = self.peek(text)
        self._at += len(text) if found else 0
        return found

    def escape(self) -> Node:
        following = self._pattern[self._at + 1 : self._at + 2]
        if following in ("b", "B"):
            raise self.refused(f"\\{following}")
        if following == "k" or (following.isdigit() and following != "0"):
            raise self.refused("back references")
        self._at += 1
        code = self._escaped()
        return Text(chr(code)) if isinstance(code, int) else Chars(code)

    def _escaped(self) -> int | Ranges:
        """After a backslash: a character, or a set of characters."""
        if not self.more():
            raise self.broken("a character after the backslash")
        char = self._pattern[self._at]
        if char in "pP":
            raise self.refused("\\p{…}")
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
        if 0xD800 <= code <= 0xDBFF and self.peek("\\u"):
            self._at += 2
            code = 0x10000 + (code - 0xD800) * 0x400 + (self._hexadecimal(4) - 0xDC00)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF or (width == 4 and len(digits) != 4):
            raise self.broken("the code of a whole character before")
        return code

    def char_class(self) -> Node:
        start, negated = self._at, self.take("^")
        ranges: list[tuple[int, int]] = []
        while not self.take("]"):
            if not self.more():
                self._at = start
                raise self.broken("a ] that closes this class")
            low = self._member()
            if isinstance(low, int) and self.peek("-") and not self.peek("-]"):
                self._at += 1
                high = self._member() if self.more() else low
                if isinstance(high, int):
                    if high < low:
                        raise self.broken("a greater character after the dash")
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
        if self.take("b"):
            return 8
        if self.peek("-"):
            self._at += 1
            return ord("-")
        return self._escaped()
