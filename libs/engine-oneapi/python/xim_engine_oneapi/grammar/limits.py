"""How large a format may be, so that the library compiles its grammar in time; measured, see the package's README."""

MOST_RULES = 4000
MOST_CHARACTERS = 200_000
DEEPEST = 64
"""Levels of a schema, or of groups in a pattern."""
MOST_STATES = 500
"""Of an automaton that stands for several patterns and lengths at once."""
MOST_PLACES = 4000
"""Schemas inside a schema that are looked at, each combination of alternatives counted."""
LONGEST_REPEAT = 2000
"""Times that one expression is repeated, where it has an end."""
