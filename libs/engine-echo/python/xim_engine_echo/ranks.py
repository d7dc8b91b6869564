"""`python -m xim_engine_echo.ranks N COMMAND …`: a launcher of ranks, standing for mpirun.

Starts the command N times with XIM_WORKER_RANK 0 to N − 1. When one ends, all end, and the launcher with them. The
ranks die with the launcher, since each asks the kernel for it; the launcher dies with the host in the same way.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from xim_worker.process import die_with_parent


def launch(ranks: int, command: list[str]) -> int:
    """Returns the exit code of the first rank that ended, as a shell tells it (128 + signal)."""
    die_with_parent()
    if os.getppid() != int(os.environ["XIM_WORKER_HOST_PID"]):
        return 1
    processes = [subprocess.Popen(command, env={**os.environ, "XIM_WORKER_RANK": str(rank)}) for rank in range(ranks)]
    pid, status = os.wait()
    for process in processes:
        if process.pid != pid:
            process.send_signal(signal.SIGKILL)
            process.wait()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(launch(int(sys.argv[1]), sys.argv[2:]))
