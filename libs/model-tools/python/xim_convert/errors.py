from __future__ import annotations


class ConvertError(Exception):
    """The reason why a conversion fails, as a sentence for its user."""
