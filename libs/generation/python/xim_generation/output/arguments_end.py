"""Finds the end of a JSON value in a stream of text by its brackets and quotes alone."""

from __future__ import annotations


class ArgumentsEnd:
    """Takes text in pieces of any size. `mark` is the text after the value; it also ends a value that is not JSON."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._may_begin = f"{mark[0]}\n"
        # A JSON string contains no line break, so this mark ends a value even if a closing quote is missing.
        self._broken_mark = "\n" + mark
        self.over = False
        self._depth = 0
        self._quoted = False
        self._escaped = False
        self._begun = False

    def take(self, text: str) -> int:
        """How many characters of `text` certainly belong to the value; `over` is set after its end."""
        for at, character in enumerate(text):
            if character in self._may_begin and self._may_end(text, at):
                return at
            if self._quoted:
                self._quote(character)
                if not self._quoted and self._depth == 0:
                    return self._ended(at + 1)
            elif character == '"':
                self._quoted = True
            elif character in "{[":
                self._depth += 1
            elif character in "}]":
                if self._depth == 0:
                    return self._ended(at)
                self._depth -= 1
                if self._depth == 0:
                    return self._ended(at + 1)
            elif self._depth == 0 and self._begun and (character.isspace() or character == ","):
                return self._ended(at)
            self._begun = True
        return len(text)

    def _quote(self, character: str) -> None:
        if self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif character == '"':
            self._quoted = False

    def _may_end(self, text: str, at: int) -> bool:
        """Whether the call ends at this position, or may end there, depending on the next text."""
        end = self._broken_mark if text[at] == "\n" else "" if self._quoted else self._mark
        rest = text[at : at + len(end)]
        if not end or not end.startswith(rest):
            return False
        self.over = rest == end
        return True

    def _ended(self, at: int) -> int:
        self.over = True
        return at
