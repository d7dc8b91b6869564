"""Frames on the Unix socket: `u32 header length | u32 body length | JSON header | raw body`, little-endian."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Iterable
from typing import Any

from .handlers import Event

PROTOCOL = 1
_LENGTHS = struct.Struct("<II")

Frame = tuple[dict[str, Any], bytes]


class HostGone(Exception):
    """The host closed the socket: there is nobody left to work for."""


class Connection:
    """One socket to the host. `send` and `wake` may be called from any thread, `receive` from one."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._received = bytearray()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._lock = threading.Lock()
        self._body: list[bytes] = []
        self._body_length = 0
        # Made once; `default` is called only for what JSON cannot hold, so frames without bytes pay nothing.
        self._encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=self._to_body).encode
        self.last_sent = time.monotonic()

    def send(self, header: dict[str, Any]) -> None:
        """Sends one frame; every bytes-like value in `header` goes into the body."""
        with self._lock:
            self._body = []
            self._body_length = 0
            encoded = self._encode(header).encode("utf-8", "surrogatepass")
            if self._body and self._body_length == 0:
                # A body that is not empty tells the reader to look for bytes; so even empty ones need one.
                self._body.append(b"\0")
                self._body_length = 1
            lengths = _LENGTHS.pack(len(encoded), self._body_length)
            try:
                self._socket.sendall(b"".join((lengths, encoded, *self._body)))
            except OSError as error:
                raise HostGone from error
            finally:
                self._body = []
            self.last_sent = time.monotonic()

    def send_events(self, events: Iterable[tuple[int, Event]]) -> None:
        self.send({"type": "events", "events": list(events)})

    def send_alive(self, at_most_every: float = 1.0) -> None:
        """Tells the host that work goes on, unless something was sent in the last `at_most_every` seconds."""
        if time.monotonic() - self.last_sent >= at_most_every:
            self.send({"type": "alive"})

    def wake(self) -> None:
        """Ends a `receive` that blocks, now or the next one."""
        # A full pipe wakes as well as a byte more in it.
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b"\0")

    def receive(self, block: bool) -> list[Frame]:
        """
        The frames that have arrived; with `block`, at least one, or none after a `wake`. Raises HostGone at the end of
        the socket.
        """
        frames: list[Frame] = []
        while True:
            wait = None if block and not frames else 0
            readable, _, _ = select.select([self._socket.fileno(), self._wake_read], [], [], wait)
            if not readable:
                return frames
            if self._wake_read in readable:
                os.read(self._wake_read, 4096)
                block = False
            if self._socket.fileno() not in readable:
                continue
            chunk = self._socket.recv(1 << 20)
            if not chunk:
                raise HostGone
            self._received += chunk
            frames += self._cut()

    def _cut(self) -> Iterable[Frame]:
        data = self._received
        at = 0
        while len(data) - at >= _LENGTHS.size:
            header_length, body_length = _LENGTHS.unpack_from(data, at)
            body_at = at + _LENGTHS.size + header_length
            if len(data) < body_at + body_length:
                break
            header = json.loads(data[at + _LENGTHS.size : body_at])
            body = bytes(data[body_at : body_at + body_length])
            at = body_at + body_length
            yield (_with_bytes(header, body) if body else header), body
        del data[:at]

    def _to_body(self, value: object) -> dict[str, list[int]]:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"an event holds a {type(value).__name__}; only JSON values and bytes can be sent")
        raw = bytes(value)
        place = [self._body_length, len(raw)]
        self._body.append(raw)
        self._body_length += len(raw)
        return {"$body": place}


def _with_bytes(value: Any, body: bytes) -> Any:
    """`value` with every `{"$body": [offset, length]}` replaced by that part of the body."""
    if isinstance(value, dict):
        place = value.get("$body")
        # Looked at closely, since a caller's own JSON (a tool's schema) may hold such a name.
        if isinstance(place, list) and len(place) == 2 and all(type(number) is int and number >= 0 for number in place):
            return body[place[0] : place[0] + place[1]]
        return {key: _with_bytes(member, body) for key, member in value.items()}
    if isinstance(value, list):
        return [_with_bytes(member, body) for member in value]
    return value
