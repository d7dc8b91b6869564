"""`mpiexec.py -n 1 COMMAND … : -n 1 COMMAND …`: the part of Intel MPI's launcher that the engine uses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys


def launch(arguments: list[str]) -> int:
    """Starts the ranks with PMI_RANK and PMI_SIZE. When one ends, all end; the exit code is the first one's."""
    commands: list[list[str]] = [[]]
    for argument in arguments:
        if argument == ":":
            commands.append([])
        else:
            commands[-1].append(argument)
    ranks = []
    for rank, (flag, count, _, option, module, _node, _cpus, *command) in enumerate(commands):
        assert (flag, count) == ("-n", "1"), "one process for each place"
        # The host of a test need not have the CPUs of the place.
        assert (option, module) == ("-m", "xim_engine_xft.place")
        settings = {**os.environ, "PMI_RANK": str(rank), "PMI_SIZE": str(len(commands))}
        ranks.append(subprocess.Popen(command, env=settings))
    pid, status = os.wait()
    for process in ranks:
        if process.pid != pid:
            process.send_signal(signal.SIGKILL)
            process.wait()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(launch(sys.argv[1:]))
