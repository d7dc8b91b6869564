"""The embedding runtime that every engine shares: texts in, unit vectors out.

An engine brings an `Encoder` (`encoder.py`), which computes hidden states; tokens, prompts, the shapes of batches,
pooling, dense layers and normalisation are here, once.
"""
