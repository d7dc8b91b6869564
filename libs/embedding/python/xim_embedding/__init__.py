"""The embedding runtime for every engine: texts in, unit vectors out.

An engine adds an `Encoder` (`encoder.py`), which computes hidden states. This package handles tokens, prompts, batch
shapes, pooling, dense layers and normalisation.
"""
