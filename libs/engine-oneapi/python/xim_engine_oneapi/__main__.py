"""`python -m xim_engine_oneapi TASK`: the worker of one service."""

import sys

from xim_worker import serve

task = sys.argv[1]
# Each task imports only what it needs: GenAI alone takes seconds.
if task == "generate":
    from .generate import Generate

    serve(steps={"generate": Generate()})
elif task == "embed":
    from .embed import Embed

    serve(batches={"embed": Embed()})
else:
    sys.exit(f"xim_engine_oneapi has no handler for the task {task}")
