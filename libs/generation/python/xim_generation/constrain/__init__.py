"""Shapes of outputs: JSON Schema, patterns and required tool calls as masks over the vocabulary."""

from .constraints import Constraint, Constraints, Matcher

__all__ = ["Constraint", "Constraints", "Matcher"]
