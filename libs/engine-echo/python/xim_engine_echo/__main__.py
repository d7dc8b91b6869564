"""`python -m xim_engine_echo TASK …`: one worker (one rank) that serves the given tasks."""

import sys

from xim_worker import BatchHandler, CallHandler, StepHandler, serve

from .embed import Embed
from .generate import Generate
from .image import GenerateImage
from .speak import Speak
from .transcribe import Transcribe

STEPS: dict[str, type[StepHandler]] = {"generate": Generate}
BATCHES: dict[str, type[BatchHandler]] = {"embed": Embed}
CALLS: dict[str, type[CallHandler]] = {"transcribe": Transcribe, "speak": Speak, "generateImage": GenerateImage}

if __name__ == "__main__":
    tasks = sys.argv[1:]
    serve(
        steps={task: STEPS[task]() for task in tasks if task in STEPS},
        batches={task: BATCHES[task]() for task in tasks if task in BATCHES},
        calls={task: CALLS[task]() for task in tasks if task in CALLS},
    )
