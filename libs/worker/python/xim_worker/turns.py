"""The order of waiting items: clients take turns, and the requests of a client take turns among themselves."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Turn(NamedTuple):
    """Whose turn a call uses. Calls of one request share a turn."""

    caller: Hashable
    """The client."""
    request: Hashable
    """The client's request. Its name need be unique only among the requests of the client."""


def turn_of(call: int) -> Turn:
    """The turn of a call for which the host names none: the call is a client of its own."""
    return Turn(("call", call), call)


class TurnQueue(Generic[T]):
    """Items in the order of turns. Not locked.

    Each client gives one item in its turn, from the request whose turn it is; then the client waits for all other
    clients, and the request for all other requests of the client. The items of a request stay in their order.
    """

    def __init__(self) -> None:
        # The next client, and in it the next request, comes first.
        self._callers: dict[Hashable, dict[Hashable, deque[T]]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        """All items in the order in which turns would take them."""
        return _alternate(_alternate(iter(line) for line in lines.values()) for lines in self._callers.values())

    def lines(self) -> Iterator[tuple[Turn, deque[T]]]:
        """The requests in the order of their turns, each with its items. The deques must not be changed."""
        return _alternate(_requests(caller, lines) for caller, lines in self._callers.items())

    def add(self, turn: Turn, item: T, *, front: bool = False) -> None:
        """`front`: before the other items of the same request."""
        line = self._callers.setdefault(turn.caller, {}).setdefault(turn.request, deque())
        if front:
            line.appendleft(item)
        else:
            line.append(item)
        self._count += 1

    def remove(self, turn: Turn, item: T) -> None:
        """Removes an item that is in the queue. The order of the turns does not change."""
        lines = self._callers[turn.caller]
        line = lines[turn.request]
        line.remove(item)
        self._count -= 1
        if not line:
            del lines[turn.request]
        if not lines:
            del self._callers[turn.caller]

    def take(self, turn: Turn, item: T) -> None:
        """Removes an item; its request and its client have had their turn."""
        self.remove(turn, item)
        lines = self._callers.pop(turn.caller, None)
        if lines is None:
            return
        line = lines.pop(turn.request, None)
        if line is not None:
            lines[turn.request] = line
        self._callers[turn.caller] = lines

    def pop(self) -> T:
        """Takes the next item; raises IndexError where there is none."""
        for turn, line in self.lines():
            item = line[0]
            self.take(turn, item)
            return item
        raise IndexError("no item waits")


def _requests(caller: Hashable, lines: dict[Hashable, deque[T]]) -> Iterator[tuple[Turn, deque[T]]]:
    for request, line in lines.items():
        yield Turn(caller, request), line


def _alternate(lines: Iterable[Iterator[T]]) -> Iterator[T]:
    """One item of each line, then the next of each line, until all lines are at their end."""
    open_lines = deque(lines)
    while open_lines:
        line = open_lines.popleft()
        for item in line:
            yield item
            open_lines.append(line)
            break
