from __future__ import annotations


class ConvertError(Exception):
    """What stands in the way, in a sentence for the person who asked."""
