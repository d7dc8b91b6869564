"""Asks the kernel for permission to use AMX: the flags of a CPU do not include this permission."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

_ARCH_PRCTL, _ARCH_REQ_XCOMP_PERM, _XTILEDATA = 158, 0x1023, 18


def request_tiles(syscall: Callable[[int, int, int], int] | None = None) -> str | None:
    """Requests the tiles of AMX for this process and its children (arch_prctl(2)). Returns None, or the refusal."""
    if syscall is None:
        libc = ctypes.CDLL(None, use_errno=True)
        syscall = libc.syscall
    if syscall(_ARCH_PRCTL, _ARCH_REQ_XCOMP_PERM, _XTILEDATA) == 0:
        return None
    return os.strerror(ctypes.get_errno())
