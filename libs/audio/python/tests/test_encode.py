"""Every output format, written piece by piece and read back."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest
from sound_files import HERTZ, tone
from xim_audio import FORMATS, OUTPUT_RATE, RATE, AudioEncoder, decode, wav_header
from xim_audio.decode import Floats

VOICE_RATE = 22_050
MAGIC = {"mp3": b"\xff\xf3", "opus": b"OggS", "aac": b"\xff\xf1", "flac": b"fLaC", "wav": b"RIFF"}


def encode(format: str, samples: Floats, piece: int = 5000) -> list[bytes]:
    encoder = AudioEncoder(format, VOICE_RATE)
    parts = [encoder.write(samples[begin : begin + piece]) for begin in range(0, len(samples), piece)]
    return [*parts, encoder.finish()]


def to_wav(format: str, data: bytes) -> bytes:
    return wav_header(len(data)) + data if format == "pcm" else data


@pytest.mark.parametrize("format", FORMATS)
def test_a_format_keeps_sound_and_duration(format: str) -> None:
    data = b"".join(encode(format, tone(3.0, VOICE_RATE)))
    assert data.startswith(MAGIC.get(format, b""))
    samples = np.concatenate(list(decode(to_wav(format, data))))
    # Encoders of mp3 and aac put silence of a frame or two around the sound.
    assert len(samples) / RATE == pytest.approx(3.0, abs=0.1)
    middle = samples[RATE : 2 * RATE]
    assert np.abs(np.fft.rfft(middle)).argmax() == pytest.approx(HERTZ, abs=1)
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("format", FORMATS)
def test_sound_leaves_while_it_is_written(format: str) -> None:
    parts = encode(format, tone(3.0, VOICE_RATE))
    assert sum(len(part) > 0 for part in parts) > len(parts) / 2


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("count", [0, 1, 100])
def test_next_to_nothing_is_still_a_file(format: str, count: int) -> None:
    data = b"".join(encode(format, tone(1.0, VOICE_RATE)[:count]))
    assert data.startswith(MAGIC.get(format, b""))
    samples = np.concatenate(list(decode(to_wav(format, data))))
    assert 0.09 < len(samples) / RATE < 0.3


def test_pcm_is_16_bits_at_one_rate() -> None:
    data = b"".join(encode("pcm", tone(1.0, VOICE_RATE)))
    assert len(data) == pytest.approx(2 * OUTPUT_RATE, abs=4)


def test_values_beyond_one_are_cut_not_wrapped() -> None:
    data = b"".join(encode("pcm", np.full(VOICE_RATE, 3.0, np.float32)))
    assert np.frombuffer(data, "<i2")[1000:-1000].min() > 32_000


def test_a_wav_stream_has_one_header_and_no_length() -> None:
    data = b"".join(encode("wav", tone(1.0, VOICE_RATE)))
    assert data[:44] == wav_header(None)
    assert data.count(b"RIFF") == 1
    assert data[40:44] == b"\xff\xff\xff\xff"


def test_a_whole_wav_has_exact_sizes() -> None:
    data = b"".join(encode("pcm", tone(1.0, VOICE_RATE)))
    with wave.open(io.BytesIO(wav_header(len(data)) + data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (OUTPUT_RATE, 1, 2)
        assert file.getnframes() == len(data) // 2


def test_an_unknown_format_names_the_known() -> None:
    with pytest.raises(ValueError, match="'midi'; expected one of mp3, opus"):
        AudioEncoder("midi", VOICE_RATE)


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_samples_give_the_same_bytes(format: str) -> None:
    assert encode(format, tone(0.5, VOICE_RATE)) == encode(format, tone(0.5, VOICE_RATE))
