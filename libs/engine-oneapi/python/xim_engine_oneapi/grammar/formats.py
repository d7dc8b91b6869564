"""Formats of JSON Schema as expressions (RFC 3339, 5321, 1123, 4122, 4291, 3986): never wider, in places narrower."""

from __future__ import annotations

from .char_sets import DIGIT, HEX, chars
from .nodes import Node, Repeat, Text, alt, optional, seq
from .ranges import natural_between

_ALPHANUMERIC = chars(("a", "z"), ("A", "Z"), ("0", "9"))


def _times(node: Node, count: int) -> Node:
    return Repeat(node, count, count)


def _two_digits(low: int, high: int) -> Node:
    return alt([Text(f"{number:02}") for number in range(low, high + 1)])


def _date() -> Node:
    year = seq(chars(("1", "9")), _times(DIGIT, 3))
    fourths = alt([Text(f"{number:02}") for number in range(4, 100, 4)])
    centuries = seq(alt([Text(f"{number:02}") for number in range(12, 100, 4)]), Text("00"))
    leap = alt([seq(chars(("1", "9")), DIGIT, fourths), centuries])
    long, short = ("01", "03", "05", "07", "08", "10", "12"), ("04", "06", "09", "11")
    month_days = [
        seq(alt(map(Text, long)), Text("-"), _two_digits(1, 31)),
        seq(alt(map(Text, short)), Text("-"), _two_digits(1, 30)),
        seq(Text("02-"), _two_digits(1, 28)),
    ]
    return alt([seq(year, Text("-"), alt(month_days)), seq(leap, Text("-02-29"))])


def _time() -> Node:
    clock = seq(_two_digits(0, 23), Text(":"), _two_digits(0, 59))
    seconds = seq(Text(":"), _two_digits(0, 59), optional(seq(Text("."), Repeat(DIGIT, 1, 6))))
    return seq(clock, seconds, alt([Text("Z"), seq(chars("+-"), clock)]))


def _label() -> Node:
    inside = Repeat(alt([_ALPHANUMERIC, seq(Text("-"), _ALPHANUMERIC)]), 0, 30)
    return seq(_ALPHANUMERIC, inside)


def _hostname(least: int) -> Node:
    top = seq(chars(("a", "z")), Repeat(chars(("a", "z")), 1, 17))
    return seq(Repeat(seq(_label(), Text(".")), least, 3), top)


def _email() -> Node:
    atom = Repeat(chars(("a", "z"), ("A", "Z"), ("0", "9"), "_+-"), 1, 30)
    return seq(atom, optional(seq(Text("."), atom)), Text("@"), _hostname(1))


def _ipv4() -> Node:
    byte = natural_between(0, 255)
    return seq(byte, _times(seq(Text("."), byte), 3))


def _ipv6() -> Node:
    group = Repeat(HEX, 1, 4)
    ways: list[Node] = [seq(_times(seq(group, Text(":")), 7), group)]
    for before in range(7):
        left = seq(group, _times(seq(Text(":"), group), before - 1)) if before else Text("")
        right = seq(group, Repeat(seq(Text(":"), group), 0, 5 - before)) if before < 6 else Text("")
        ways.append(seq(left, Text("::"), optional(right) if before < 6 else right))
    return alt(ways)


def _uri() -> Node:
    plain = chars(("a", "z"), ("A", "Z"), ("0", "9"), "-._~!$&*+,;=:@")
    part = alt([plain, seq(Text("%"), HEX, HEX)])
    scheme = seq(chars(("a", "z")), Repeat(chars(("a", "z"), ("0", "9"), "+-."), 0, 20))
    port = seq(Text(":"), natural_between(1, 65535))
    path = Repeat(seq(Text("/"), Repeat(part, 0, None)), 0, None)
    rest = Repeat(alt([part, chars("/?")]), 0, None)
    return seq(
        *(scheme, Text("://"), _hostname(0), optional(port), path),
        *(optional(seq(Text("?"), rest)), optional(seq(Text("#"), rest))),
    )


def _duration() -> Node:
    def part(unit: str, *rest: Node) -> Node:
        return seq(Repeat(DIGIT, 1, 4), Text(unit), *map(optional, rest))

    minute_on = part("M", part("S"))
    time = seq(Text("T"), alt([part("H", minute_on), minute_on, part("S")]))
    month_on = part("M", part("D"))
    date = seq(alt([part("Y", month_on), month_on, part("D")]), optional(time))
    return seq(Text("P"), alt([date, time, part("W")]))


def _uuid() -> Node:
    return seq(_times(HEX, 8), _times(seq(Text("-"), _times(HEX, 4)), 3), Text("-"), _times(HEX, 12))


def _formats() -> dict[str, Node]:
    uri, email, hostname = _uri(), _email(), _hostname(0)
    return {
        "date": _date(),
        "time": _time(),
        "date-time": seq(_date(), Text("T"), _time()),
        "duration": _duration(),
        "email": email,
        "idn-email": email,
        "hostname": hostname,
        "idn-hostname": hostname,
        "ipv4": _ipv4(),
        "ipv6": _ipv6(),
        "uri": uri,
        "uri-reference": uri,
        "iri": uri,
        "iri-reference": uri,
        "uuid": _uuid(),
    }


FORMATS = _formats()
"""Format → the texts that are generated for it. What is not here is an annotation, as JSON Schema has it."""
