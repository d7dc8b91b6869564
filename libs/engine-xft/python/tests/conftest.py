"""The stand-in of the library, and the tiny transformer that it computes with."""

import sys
from pathlib import Path

TESTS = Path(__file__).parent
sys.path[:0] = [str(TESTS / "stand_in"), str(TESTS.parents[2] / "generation/python/tests")]
