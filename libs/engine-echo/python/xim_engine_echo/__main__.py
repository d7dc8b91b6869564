"""`python -m xim_engine_echo TASK [HANDLER]`: one worker (one rank); HANDLER is a file with a service's own handler."""

import sys

from xim_worker import BatchHandler, CallHandler, StepHandler, serve, serve_failure, serve_file

_ADVICE = (
    "The Python {python} has no {missing}, which the echo engine needs. In a clone `npm test` makes an environment "
    "with it: set XIM_VENVS to the clone's .venv. Elsewhere make <XIM_VENVS>/echo with `python3 -m venv` and install "
    "the engine's python/requirements.lock there."
)

task, *own = sys.argv[1:]
if own:
    serve_file(own[0], task)
try:
    from .embed import Embed
    from .generate import Generate
    from .image import GenerateImage
    from .rerank import Rerank
    from .speak import Speak
    from .transcribe import Transcribe
except ModuleNotFoundError as error:
    serve_failure(task, _ADVICE.format(python=sys.executable, missing=error.name))

STEPS: dict[str, type[StepHandler]] = {"generate": Generate}
BATCHES: dict[str, type[BatchHandler]] = {"embed": Embed, "rerank": Rerank}
CALLS: dict[str, type[CallHandler]] = {"transcribe": Transcribe, "speak": Speak, "generateImage": GenerateImage}
serve(
    steps={task: STEPS[task]()} if task in STEPS else {},
    batches={task: BATCHES[task]()} if task in BATCHES else {},
    calls={task: CALLS[task]()} if task in CALLS else {},
)
