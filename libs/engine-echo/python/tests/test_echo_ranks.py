import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        # The first rank to end ends all; the others would sleep for long.
        ("sys.exit(5) if rank == '1' else time.sleep(1000)", 5),
        ("os.kill(os.getpid(), 9) if rank == '2' else time.sleep(1000)", 137),
        ("sys.exit(0) if rank == '0' else time.sleep(1000)", 0),
    ],
)
def test_any_end_is_the_end_of_all(code: str, expected: int) -> None:
    program = f"import os, sys, time; rank = os.environ['XIM_WORKER_RANK']; print(os.getpid(), flush=True); {code}"
    environment = {**os.environ, "XIM_WORKER_HOST_PID": str(os.getpid())}
    command = [sys.executable, "-m", "xim_engine_echo.ranks", "3", sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == expected, done.stderr
    for pid in done.stdout.split():
        assert not os.path.exists(f"/proc/{pid}")
