"""The speech runtime for every engine: text in, encoded speech out.

An engine adds a `Synthesizer` (`synthesizer.py`), which computes samples from phonemes. This package handles spoken
text, sentences, phonemes, fair turns and audio files.
"""
