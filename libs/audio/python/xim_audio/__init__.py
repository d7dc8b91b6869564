"""Sound in and out of a worker: recordings in any container to samples, and samples to the files that clients play.

Samples are float32, one channel, -1 to 1.
"""

from .decode import RATE, decode
from .encode import FORMATS, OUTPUT_RATE, AudioEncoder, wav_header

__all__ = ["FORMATS", "OUTPUT_RATE", "RATE", "AudioEncoder", "decode", "wav_header"]
