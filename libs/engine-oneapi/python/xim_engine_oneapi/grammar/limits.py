"""How large a format may be, so that the library compiles its grammar in time; measured, see the package's README."""

MOST_RULES = 4000
MOST_WORK = 2000
"""About the milliseconds of one core (AVX2, 2.5 GHz) in which the library compiles a grammar for 49,152 tokens."""
WORK_OF_RULE, WORK_OF_LETTER, WORK_OF_SET, WORK_OF_WIDE_SET = 1.0, 0.4, 2.0, 25.0
WIDE = 200
"""Code points from which on a set is wide: most of a vocabulary's tokens are looked at."""
DEEPEST = 64
"""Levels of a schema, or of groups in a pattern."""
MOST_STATES = 500
"""Of an automaton that stands for several patterns and lengths at once."""
MOST_PLACES = 4000
"""Schemas inside a schema that are looked at, each combination of alternatives counted."""
LONGEST_FLAT = 16
"""Characters of a bounded string that are written out one by one."""
LONGEST_REPEAT = 2000
"""Times that one expression is repeated, where it has an end."""
