"""`python -m xim_engine_echo TASK [HANDLER]`: one worker (one rank); HANDLER is a file with a service's own handler."""

import sys

from xim_worker import BatchHandler, CallHandler, StepHandler, serve, serve_file

from .embed import Embed
from .generate import Generate
from .image import GenerateImage
from .speak import Speak
from .transcribe import Transcribe

STEPS: dict[str, type[StepHandler]] = {"generate": Generate}
BATCHES: dict[str, type[BatchHandler]] = {"embed": Embed}
CALLS: dict[str, type[CallHandler]] = {"transcribe": Transcribe, "speak": Speak, "generateImage": GenerateImage}

if __name__ == "__main__":
    task, *own = sys.argv[1:]
    if own:
        serve_file(own[0], task)
    else:
        serve(
            steps={task: STEPS[task]()} if task in STEPS else {},
            batches={task: BATCHES[task]()} if task in BATCHES else {},
            calls={task: CALLS[task]()} if task in CALLS else {},
        )
