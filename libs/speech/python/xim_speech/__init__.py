"""The speech runtime that every engine shares: text in, encoded speech out.

An engine brings a `Synthesizer` (`synthesizer.py`), which computes samples from phonemes; spoken text, sentences,
phonemes, fair turns and files are here, once.
"""
