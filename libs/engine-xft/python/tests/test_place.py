"""Where a rank runs: its CPUs, and the memory of their node where the kernel allows it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from xim_engine_xft.place import bind_memory


def test_memory_is_bound_to_the_node_alone() -> None:
    asked = []

    def syscall(number: int, mode: int, mask: Any, bits: Any) -> int:
        asked.append((number, mode, [index for index, word in enumerate(mask) if word], mask[1], bits.value))
        return 0

    assert bind_memory(65, syscall) is None
    # set_mempolicy(MPOL_BIND) of x86-64: node 65 is the second bit of the second word.
    assert asked == [(238, 2, [1], 2, 1025)]


def test_a_command_runs_on_its_cpus_also_where_the_kernel_refuses_to_bind_memory() -> None:
    cpu = max(os.sched_getaffinity(0))
    words = "import os; print(os.sched_getaffinity(0))"
    # No machine has so many nodes: the kernel refuses.
    command = [sys.executable, "-m", "xim_engine_xft.place", "1023", str(cpu), sys.executable, "-c", words]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str({cpu})
    assert "not bound to NUMA node 1023" in run.stderr and "SYS_NICE" in run.stderr
