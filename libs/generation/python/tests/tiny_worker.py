"""`python tiny_worker.py`: a worker with the runtime over a transformer with random weights, for the engine test
suite.
"""

from __future__ import annotations

from shapes import byte_tokenizer
from tiny_runner import TinyRunner
from xim_generation.handler import GenerateHandler
from xim_generation.runner import ModelRunner, RunnerLimits
from xim_worker import Context, StartError, serve

TEMPLATE = "{% for message in messages %}<turn>{{ message.role }}: {{ message.content }}{% endfor %}<turn>"


def open_runner(context: Context) -> ModelRunner:
    if "failStart" in context.options:
        raise StartError("the profile asks for a failed start", permanent=context.options["failStart"] == "permanent")
    tokenizer = byte_tokenizer("<turn>", template=TEMPLATE)
    # Prompts are split into chunks, and four sequences of full length exceed the cache together.
    limits = RunnerLimits(len(tokenizer), context_length=32_768, block_tokens=16, blocks=3_000, batch_tokens=32)
    # Random bytes are no valid text, so all tokens except printable ASCII and the end are rare.
    rare = [token for token, name in enumerate(tokenizer.raw) if token not in tokenizer.ends and not name.isascii()]
    marks = tokenizer.specials - tokenizer.ends
    runner: ModelRunner = TinyRunner(limits, tokenizer, rare=[*rare, *marks])
    return runner


if __name__ == "__main__":
    serve(steps={"generate": GenerateHandler(open_runner)})
