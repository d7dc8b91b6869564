"""The task `speak`: a tone that lasts as long as saying the text would."""

from __future__ import annotations

import io
import math
import wave
from array import array
from collections.abc import Callable, Generator

from xim_worker import Context, Info, InvalidInput, SpeakEvent, SpeakInput
from xim_worker.tasks import Usage

from .start import Pace, describe, start

SAMPLE_RATE = 24_000
SECONDS_PER_CHARACTER = 0.06
# Both divide the sample rate, so that one period of the tone is a whole number of samples.
HERTZ = {"alto": 400, "bass": 100}
_MEDIA_TYPES = {"wav": "audio/wav", "pcm": "audio/pcm"}
_FRAMES_PER_STEP = SAMPLE_RATE // 2


class Speak:
    """A CallHandler. A step is half a second of sound: 24,000 bytes, 16-bit mono. A character is a token."""

    def load(self, context: Context) -> Info:
        self._faults = start(context)
        self._rate: float = context.options.get("rate", 0)
        return describe(context, voices=list(HERTZ), sample_rate=SAMPLE_RATE)

    def run(self, request: SpeakInput, cancelled: Callable[[], bool]) -> Generator[SpeakEvent | None, None, None]:
        self._faults.call()
        _refuse(request)
        text, speed = request["text"], request.get("speed", 1.0)
        frames = max(1, round(len(text) * SECONDS_PER_CHARACTER / speed * SAMPLE_RATE))
        tone = _tone(HERTZ[request.get("voice", "alto")])
        yield {
            "type": "start",
            "mediaType": _MEDIA_TYPES[request["format"]],
            "sampleRate": SAMPLE_RATE,
            "inputCharacters": len(text),
        }
        head = _wav_head(frames) if request["format"] == "wav" else b""
        pace = Pace(self._rate)
        for at in range(0, frames, _FRAMES_PER_STEP):
            pace.wait()
            self._faults.step(1)
            # A step is a whole number of periods, so every one begins where the tone begins.
            sound = tone[: 2 * min(_FRAMES_PER_STEP, frames - at)]
            yield {"type": "audio", "bytes": head + sound}
            head = b""
        steps = -(-frames // _FRAMES_PER_STEP)
        usage: Usage = {"inputTokens": len(text), "outputTokens": steps}
        yield {"type": "end", "duration": frames / SAMPLE_RATE, "usage": usage}


def _refuse(request: SpeakInput) -> None:
    if request["format"] not in _MEDIA_TYPES:
        message = f"The echo engine does not encode {request['format']}: ask for wav or pcm."
        raise InvalidInput(message, "format", "XIM_UNSUPPORTED_PARAMETER")
    if request.get("instructions"):
        message = "A tone cannot be told how to sound: leave instructions out."
        raise InvalidInput(message, "instructions", "XIM_UNSUPPORTED_PARAMETER")
    if not request["text"]:
        raise InvalidInput("There is nothing to say: give a text.", "text")
    if request.get("voice", "alto") not in HERTZ:
        raise InvalidInput(f"There is no voice {request['voice']!r}; there are {', '.join(HERTZ)}.", "voice")
    if not 0.25 <= request.get("speed", 1.0) <= 4:
        raise InvalidInput(f"speed must be 0.25 to 4; it is {request['speed']}.", "speed")


def _tone(hertz: int) -> bytes:
    """One step of a sine at a quarter of full scale."""
    period = SAMPLE_RATE // hertz
    samples = array("h", (round(8192 * math.sin(2 * math.pi * sample / period)) for sample in range(period)))
    return samples.tobytes() * (_FRAMES_PER_STEP // period)


def _wav_head(frames: int) -> bytes:
    """The head of a WAV file with `frames` frames, as the standard library writes it before the first of them."""
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(SAMPLE_RATE)
    head = bytearray(file.getvalue())
    head[4:8] = (36 + 2 * frames).to_bytes(4, "little")
    head[40:44] = (2 * frames).to_bytes(4, "little")
    return bytes(head)
