"""What the parsers of outputs make."""

from __future__ import annotations

from typing import Any

Event = dict[str, Any]
"""A `GenerateEvent` of a choice that is being put together: its number, tokens and log probabilities may still come."""
