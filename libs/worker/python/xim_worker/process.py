"""What a worker does with its own process before anything else."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Has the kernel kill this process when its parent dies, even while native code holds Python's lock (prctl(2))."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def prepare(host_pid: str, rank: str | None) -> None:
    """Ties the process to its host, and makes standard output one more log."""
    die_with_parent()
    # Under a launcher the parent is the launcher; without one it must be the host, or the host died before the call.
    if rank is None and os.getppid() != int(host_pid):
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    sys.stdout.flush()
    os.dup2(2, 1)


def leave(code: int) -> None:
    """Ends the process without waiting for threads or for destructors of native libraries."""
    sys.stderr.flush()
    os._exit(code)
