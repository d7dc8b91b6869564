"""Checks a request before its recording is read."""

from __future__ import annotations

from typing import Any

from xim_worker import InvalidInput, Request

from .models import Models
from .speakers.cluster import Hints
from .speech import Activity


def check(request: Request, models: Models) -> Hints | None:
    """The limits for the number of speakers; None if the request does not ask for speakers.

    Raises InvalidInput for values out of range and for features that the models do not have.
    """
    language, languages = request.get("language"), models.recogniser.languages
    if language is not None and language not in languages:
        raise InvalidInput(
            f"language is {language!r}; expected one of {', '.join(languages)}, or leave it out to have it detected.",
            "language",
        )
    temperature = request.get("temperature")
    if temperature is not None and not 0 <= temperature <= 1:
        raise InvalidInput(f"temperature is {temperature}; expected 0 to 1.", "temperature")
    if request.get("speakers") is not None and models.voices is None:
        raise InvalidInput(
            "This service cannot distinguish speakers: it has no model of voices (the role speaker in models.json). "
            "Leave speakers out.",
            "speakers",
            "XIM_UNSUPPORTED_PARAMETER",
        )
    return _hints(request)


def to_activity(request: Request) -> Activity | None:
    """The settings of voice activity; None if the request turns it off. Raises InvalidInput."""
    wanted = request.get("voiceActivity")
    if wanted is None or isinstance(wanted, bool):
        return None if wanted is False else Activity()
    activity = Activity(**{name: float(value) for name, value in wanted.items() if value is not None})
    for name, value, most in (
        ("threshold", activity.threshold, 1.0),
        ("padding", activity.padding, 5.0),
        ("silence", activity.silence, 60.0),
    ):
        if not 0 <= value <= most:
            raise InvalidInput(f"{name} is {value}; expected 0 to {most:g}.", f"voiceActivity.{name}")
    return activity


def _hints(request: Request) -> Hints | None:
    wanted: dict[str, Any] | None = request.get("speakers")
    if wanted is None:
        return None
    count = wanted.get("count")
    least, most = (count, count) if count is not None else (wanted.get("min") or 1, wanted.get("max"))
    if least < 1 or (most is not None and most < least):
        raise InvalidInput(
            f"speakers asks for {least} to {most} speakers; expected at least 1, and a maximum not below the minimum.",
            "speakers",
        )
    return Hints(least, most)
