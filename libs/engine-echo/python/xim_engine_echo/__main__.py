"""`python -m xim_engine_echo TASK [HANDLER]`: one worker (one rank); HANDLER is a file with a service's own handler."""

import sys

from xim_worker import BatchHandler, CallHandler, Handlers, StepHandler, serve_engine


def _handlers(task: str) -> Handlers:
    from .embed import Embed
    from .generate import Generate
    from .image import GenerateImage
    from .rerank import Rerank
    from .speak import Speak
    from .transcribe import Transcribe

    steps: dict[str, type[StepHandler]] = {"generate": Generate}
    batches: dict[str, type[BatchHandler]] = {"embed": Embed, "rerank": Rerank}
    calls: dict[str, type[CallHandler]] = {"transcribe": Transcribe, "speak": Speak, "generateImage": GenerateImage}
    if task in steps:
        return {"steps": {task: steps[task]()}}
    if task in batches:
        return {"batches": {task: batches[task]()}}
    return {"calls": {task: calls[task]()}} if task in calls else {}


serve_engine("echo", sys.argv[1:], _handlers)
