"""The generation runtime of every engine: requests in, batches of tokens to a model runner, events out.

It handles scheduling, sampling, grammars, chat templates and output parsing. An engine adds a `ModelRunner`
(`runner.py`).
"""
