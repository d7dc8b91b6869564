"""Ranks of one host for the stand-in: rank 0 hands values to the others through a socket, and every call waits."""

from __future__ import annotations

import os
import pickle
import socket
import time
from typing import Any, TypeVar

_Value = TypeVar("_Value")
_PATIENCE = 60.0


class Ranks:
    """`PMI_RANK` and `PMI_SIZE` as a launcher sets them; alone without them, or with SINGLE_INSTANCE=1."""

    def __init__(self) -> None:
        alone = os.environ.get("SINGLE_INSTANCE", "0") == "1"
        self.rank = 0 if alone else int(os.environ.get("PMI_RANK", "0"))
        size = 1 if alone else int(os.environ.get("PMI_SIZE", "1"))
        path = f"\0xim-stand-in-{os.environ.get('XIM_WORKER_HOST_PID')}-{os.getppid()}"
        self._others: list[socket.socket] = []
        if self.rank > 0:
            self._first = self._connect(path)
        elif size > 1:
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(path)
                listening.listen(size)
                listening.settimeout(_PATIENCE)
                self._others = [listening.accept()[0] for _ in range(size - 1)]

    def share(self, value: _Value) -> _Value:
        """Rank 0's value on every rank. Waits for rank 0, however long it takes; ends with it."""
        if self.rank == 0:
            data = pickle.dumps(value)
            for other in self._others:
                other.sendall(len(data).to_bytes(4, "little") + data)
            return value
        shared: _Value = pickle.loads(self._read(int.from_bytes(self._read(4), "little")))
        return shared

    def _connect(self, path: str) -> socket.socket:
        end = time.monotonic() + _PATIENCE
        while True:
            first = socket.socket(socket.AF_UNIX)
            try:
                first.connect(path)
            except ConnectionRefusedError:
                first.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                return first

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more: Any = self._first.recv(count - len(data))
            if not more:
                # As the library: a rank whose neighbours are gone waits. The launcher ends it.
                time.sleep(_PATIENCE)
                os._exit(1)
            data += more
        return data
