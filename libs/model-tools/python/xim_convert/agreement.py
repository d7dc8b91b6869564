from __future__ import annotations

from .errors import ConvertError


def hold_to(found: float, least: float, weights: str, what: str) -> float:
    """Returns the agreement of a converted model with the original, to 4 digits. Raises ConvertError below `least`."""
    if not found >= least:
        raise ConvertError(f"with {weights} weights {found:.4f} {what}; expected at least {least}. Nothing was kept")
    return round(found, 4)
