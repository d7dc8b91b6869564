"""The generation runtime that every engine shares: requests in, batches of tokens to a model runner, events out.

An engine brings a `ModelRunner` (`runner.py`); scheduling, sampling, grammars, chat templates and the parsing of
outputs are here, once.
"""
