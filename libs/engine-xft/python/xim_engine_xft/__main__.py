"""`python -m xim_engine_xft TASK [HANDLER]`: one rank of a worker; HANDLER is a file with a service's own handler."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .preload import preload_openmp

if TYPE_CHECKING:
    from xim_worker import Handlers


def _handlers(task: str) -> Handlers:
    if task != "generate":
        return {}
    if os.environ.get("XIM_WORKER_RANK", "0") == "0":
        from .generate import Generate

        return {"steps": {task: Generate()}}
    from .generate import open_following
    from .rank import FollowingRank

    return {"steps": {task: FollowingRank(open_following)}}


def _main() -> None:
    # The imports come after the preparation of this process.
    from xim_worker import serve_engine

    serve_engine("xft", sys.argv[1:], _handlers)


preload_openmp()
# A launcher numbers its processes; the runtime reads the number when it is imported.
if "PMI_RANK" in os.environ:
    os.environ.setdefault("XIM_WORKER_RANK", os.environ["PMI_RANK"])
_main()
