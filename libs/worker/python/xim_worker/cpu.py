"""The instruction sets of the host."""

from __future__ import annotations

from pathlib import Path


def cpu_flags() -> frozenset[str]:
    """The flags of the first CPU as Linux names them, for example `avx512_vnni` (proc_cpuinfo(5))."""
    text = Path("/proc/cpuinfo").read_text("utf8", "replace")
    return frozenset(text.partition("flags")[2].partition("\n")[0].lstrip("\t :").split())
