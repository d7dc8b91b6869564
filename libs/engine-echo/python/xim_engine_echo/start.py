"""What every handler of this engine does at load, and how it keeps its rate."""

from __future__ import annotations

import platform
import time

from xim_worker import Context, ImageDefaults, Info

from .faults import Faults


class Pace:
    """Lets a step through `rate` times a second; 0 = as fast as possible."""

    def __init__(self, rate: float) -> None:
        self._period = 1 / rate if rate > 0 else 0.0
        self._next = 0.0

    def wait(self) -> None:
        if self._period == 0.0:
            return
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + self._period


def start(context: Context) -> Faults:
    """Takes the time the profile asks for, telling progress, and arms its faults."""
    delay = float(context.options.get("startDelay", 0))
    began = time.monotonic()
    while (passed := time.monotonic() - began) < delay:
        context.progress("waiting, as the profile asks", passed / delay)
        time.sleep(min(0.1, delay - passed))
    if delay > 0:
        context.progress("waiting, as the profile asks", 1.0)
    faults = Faults(context.options.get("faults", {}))
    faults.load()
    return faults


def describe(
    context: Context,
    *,
    context_length: int | None = None,
    dimensions: int | None = None,
    voices: list[str] | None = None,
    sample_rate: int | None = None,
    image_defaults: ImageDefaults | None = None,
) -> Info:
    return Info(
        runtime={"name": "python", "version": platform.python_version(), "isa": "none"},
        models=[context.model["id"]],
        dtype="none",
        slots=context.plan.slots,
        context_length=context_length,
        dimensions=dimensions,
        voices=voices,
        sample_rate=sample_rate,
        image_defaults=image_defaults,
        safety_checker=None if image_defaults is None else False,
    )
