"""The events that the parsers of outputs make."""

from __future__ import annotations

from typing import Any

Event = dict[str, Any]
"""A `GenerateEvent` of a choice, incomplete: its number, tokens and log probabilities are added later."""
