"""`python espeak_process.py`: converts text to phonemes by espeak-ng, in a separate process.

espeak-ng is under GPL-3.0-or-later, so no other part of XIM loads it or is loaded with it: this file imports only the
standard library and the wheel that contains espeak-ng. A line of the input is a JSON object
`{"voice": …, "texts": […]}`, a line of the output `{"phonemes": […]}` (IPA, one string per text) or `{"error": …}`. The
process ends when its standard input ends.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

import espeakng_loader

# Constants of espeak-ng's public header speak_lib.h.
_SYNCHRONOUS, _DONT_EXIT, _UTF8, _IPA = 2, 0x8000, 1, 2


class _Espeak:
    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _DONT_EXIT)
        if rate <= 0:
            raise RuntimeError("espeak-ng found no data")
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
        self._voice: str | None = None

    def phonemize(self, voice: str, texts: list[str]) -> list[str]:
        if voice != self._voice:
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise ValueError(f"espeak-ng has no voice {voice!r}")
            self._voice = voice
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> str:
        # The library moves the pointer to the end of each clause, and sets it to null at the end of the text.
        rest = ctypes.pointer(ctypes.c_char_p(text.replace("\0", "").encode()))
        clauses = []
        while rest.contents.value is not None:
            spoken: bytes | None = self._library.espeak_TextToPhonemes(rest, _UTF8, _IPA)
            if spoken:
                clauses.append(spoken.decode())
        return " ".join(clauses)


def main() -> None:
    espeak = _Espeak()
    for line in sys.stdin:
        try:
            request: dict[str, Any] = json.loads(line)
            answer: dict[str, Any] = {"phonemes": espeak.phonemize(request["voice"], request["texts"])}
        except ValueError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
