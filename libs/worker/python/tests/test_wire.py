"""Frames, read and written byte by byte as the protocol's page specifies them."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from xim_worker.wire import Connection, HostGone


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Connection, socket.socket]]:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(path)
        server.listen(1)
        connection = Connection(path)
        host, _ = server.accept()
        with host, connection._socket:
            yield connection, host


def frame(header: object, body: bytes = b"") -> bytes:
    encoded = json.dumps(header).encode()
    return struct.pack("<II", len(encoded), len(body)) + encoded + body


def test_bytes_travel_raw_in_the_body(pair: tuple[Connection, socket.socket]) -> None:
    connection, host = pair
    connection.send_events([(7, {"type": "audio", "bytes": b"\x00\xff"}), (9, {"type": "audio", "bytes": b"abc"})])
    received = host.recv(4096)
    header_length, body_length = struct.unpack_from("<II", received)
    assert json.loads(received[8 : 8 + header_length]) == {
        "type": "events",
        "events": [
            [7, {"type": "audio", "bytes": {"$body": [0, 2]}}],
            [9, {"type": "audio", "bytes": {"$body": [2, 3]}}],
        ],
    }
    assert (body_length, received[8 + header_length :]) == (5, b"\x00\xffabc")


def test_frames_are_cut_from_any_chunks(pair: tuple[Connection, socket.socket]) -> None:
    connection, host = pair
    sent = frame({"type": "call", "input": {"audio": {"bytes": {"$body": [1, 2]}}}}, b"abc") + frame({"type": "stop"})
    received = []
    for at in range(0, len(sent), 3):
        host.sendall(sent[at : at + 3])
        received += connection.receive(block=False)
    assert [header for header, _ in received] == [
        {"type": "call", "input": {"audio": {"bytes": b"bc"}}},
        {"type": "stop"},
    ]


def test_a_lone_surrogate_does_not_end_the_worker(pair: tuple[Connection, socket.socket]) -> None:
    connection, host = pair
    connection.send({"type": "events", "events": [[1, {"type": "text-delta", "text": "\ud83d"}]]})
    assert host.recv(4096)


def test_the_end_of_the_socket_is_told(pair: tuple[Connection, socket.socket]) -> None:
    connection, host = pair
    host.close()
    with pytest.raises(HostGone):
        connection.receive(block=True)


def test_what_json_cannot_hold_is_refused(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    with pytest.raises(TypeError, match="complex"):
        connection.send({"type": "events", "events": [[1, {"type": "x", "value": 1j}]]})


def test_empty_bytes_travel_too(pair: tuple[Connection, socket.socket]) -> None:
    connection, host = pair
    connection.send_events([(7, {"type": "audio", "bytes": b""})])
    received = host.recv(4096)
    assert struct.unpack_from("<II", received)[1] == 1
    host.sendall(frame({"type": "call", "input": {"audio": {"bytes": {"$body": [0, 0]}}}}, b"\0"))
    assert connection.receive(block=True)[0][0]["input"] == {"audio": {"bytes": b""}}


@pytest.mark.parametrize("place", [["a", "b"], [1], [0, -1], [None, None], 7])
def test_a_callers_own_json_that_looks_like_bytes_is_left_alone(
    pair: tuple[Connection, socket.socket], place: object
) -> None:
    connection, host = pair
    host.sendall(frame({"type": "call", "input": {"schema": {"$body": place}}}, b"x"))
    assert connection.receive(block=True)[0][0]["input"] == {"schema": {"$body": place}}


def test_a_wake_ends_a_receive_that_blocks_and_loses_no_frame(pair: tuple[Connection, socket.socket]) -> None:
    connection, host = pair
    waker = threading.Timer(0.01, connection.wake)
    waker.start()
    assert connection.receive(block=True) == []
    waker.join()
    for _ in range(100_000):
        connection.wake()
    host.sendall(frame({"type": "stop"}))
    assert connection.receive(block=True) == [({"type": "stop"}, b"")]
    host.sendall(frame({"type": "stop"}))
    while not (frames := connection.receive(block=True)):
        pass
    assert frames == [({"type": "stop"}, b"")]
