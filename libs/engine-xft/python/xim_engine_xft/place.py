"""`python -m xim_engine_xft.place NODE CPUS COMMAND …`: a rank on its CPUs ("0,1,2"), in the memory of their NUMA node.

numactl ends where the kernel refuses policies of memory, as in a container without the capability SYS_NICE. A rank does
without one there: memory that it touches first comes from its own node while that node has free memory.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

_SET_MEMPOLICY, _MPOL_BIND = 238, 2
_WORDS = 16


def bind_memory(node: int, syscall: Callable[..., int] | None = None) -> str | None:
    """Binds memory of this process and its children to a node (set_mempolicy(2)). Returns None, or the refusal."""
    if syscall is None:
        libc = ctypes.CDLL(None, use_errno=True)
        syscall = libc.syscall
    words = (ctypes.c_ulong * _WORDS)()
    words[node // 64] = 1 << node % 64
    # The kernel reads one bit less than it is told.
    if syscall(_SET_MEMPOLICY, _MPOL_BIND, words, ctypes.c_ulong(64 * _WORDS + 1)) == 0:
        return None
    return os.strerror(ctypes.get_errno())


def _main(node: str, cpus: str, *command: str) -> None:
    os.sched_setaffinity(0, [int(cpu) for cpu in cpus.split(",")])
    refusal = bind_memory(int(node))
    if refusal is not None:
        print(
            f"[engine-xft] The memory of a rank is not bound to NUMA node {node} ({refusal}): it may come from another "
            "node when this one is full. A container needs the capability SYS_NICE for it (--cap-add=SYS_NICE).",
            file=sys.stderr,
            flush=True,
        )
    os.execvp(command[0], command)


if __name__ == "__main__":
    _main(*sys.argv[1:])
