"""`python -m xim_engine_xft TASK [HANDLER]`: one rank of a worker; HANDLER is a file with a service's own handler."""

import os
import sys

from .preload import preload_openmp


def main(task: str, *own: str) -> None:
    # The imports come after the preparation of this process.
    from xim_worker import serve, serve_file

    if own:
        serve_file(own[0], task)
    elif task != "generate":
        sys.exit(f"xim_engine_xft has no handler for the task {task}")
    elif os.environ.get("XIM_WORKER_RANK", "0") == "0":
        from .generate import Generate

        serve(steps={task: Generate()})
    else:
        from .generate import open_following
        from .rank import FollowingRank

        serve(steps={task: FollowingRank(open_following)})


preload_openmp()
# A launcher numbers its processes; the runtime reads the number when it is imported.
if "PMI_RANK" in os.environ:
    os.environ.setdefault("XIM_WORKER_RANK", os.environ["PMI_RANK"])
main(*sys.argv[1:])
