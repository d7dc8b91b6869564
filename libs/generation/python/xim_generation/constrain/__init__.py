"""Shapes of outputs: converts JSON Schema, patterns and required tool calls to masks over the vocabulary."""

from .constraints import Constraint, Constraints, Matcher

__all__ = ["Constraint", "Constraints", "Matcher"]
