"""Recordings of clients: every container, and the faults of damaged files."""

from __future__ import annotations

import resource
import struct
from pathlib import Path

import numpy as np
import pytest
from sound_files import HERTZ, make, tone
from xim_audio import RATE, decode
from xim_audio.decode import Floats
from xim_worker import InvalidInput

# The ten names of OpenAI's documentation, video with sound, and further formats of browsers and phones.
CONTAINERS = [
    ("flac", "flac", "flac", 44_100, ""),
    ("mp3", "mp3", "libmp3lame", 44_100, ""),
    ("mp4", "mp4", "aac", 44_100, "mpeg4"),
    ("mpeg", "mpeg", "mp2", 44_100, "mpeg1video"),
    ("mpga", "mp2", "mp2", 44_100, ""),
    ("m4a", "ipod", "aac", 44_100, ""),
    ("oga", "ogg", "libopus", 48_000, ""),
    ("ogg", "ogg", "vorbis", 44_100, ""),
    ("wav", "wav", "pcm_s16le", 8_000, ""),
    ("webm", "webm", "libopus", 48_000, ""),
    ("webm-video", "webm", "libopus", 48_000, "libvpx"),
    ("mkv", "matroska", "ac3", 48_000, "mpeg4"),
    ("mov", "mov", "alac", 44_100, "mpeg4"),
    ("wav-float", "wav", "pcm_f32le", 96_000, ""),
    ("aac", "adts", "aac", 44_100, ""),
]

# 16 bits, mono, 16 kHz; the next field is the size of the samples.
WAV_HEAD = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16) + b"data"


def read(source: str | bytes, most_seconds: float | None = None) -> Floats:
    return np.concatenate(list(decode(source, most_seconds)))


def loudest_hertz(samples: Floats) -> float:
    middle = samples[len(samples) // 4 : len(samples) * 3 // 4]
    return float(np.abs(np.fft.rfft(middle)).argmax()) * RATE / len(middle)


@pytest.mark.parametrize(
    ("container", "codec", "rate", "video"), [c[1:] for c in CONTAINERS], ids=[c[0] for c in CONTAINERS]
)
def test_every_container_gives_its_sound_at_16_khz(container: str, codec: str, rate: int, video: str) -> None:
    samples = read(make(container, codec, 2.0, rate, video=video))
    assert samples.dtype == np.float32
    assert len(samples) / RATE == pytest.approx(2.0, abs=0.1)
    assert loudest_hertz(samples) == pytest.approx(HERTZ, abs=2)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", ["clip.webm", "clip.txt", "a: b#1?.mp3", "clip"])
def test_the_name_of_a_file_says_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(make("wav", "pcm_s16le"))
    assert len(read(str(path))) / RATE == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_that_was_streamed_is_read_to_its_end(size: int) -> None:
    whole = bytearray(make("wav", "pcm_s16le", 1.0, 16_000, "mono"))
    at = whole.index(b"data") + 4
    whole[at : at + 4] = struct.pack("<I", size)
    whole[4:8] = struct.pack("<I", size)
    assert len(read(bytes(whole))) / RATE == pytest.approx(1.0, abs=0.01)


def test_a_stream_without_a_duration_is_read_to_its_end() -> None:
    # A live WebM has neither a duration nor an index.
    known = make("webm", "libopus", 3.0, 48_000)
    live = known.replace(b"\x44\x89", b"\xec\x89", 1)
    assert len(read(live)) == len(read(known))


@pytest.mark.parametrize("bad", [b"", b"\0" * 4096, b"not a sound at all " * 500, b"RIFF\0\0\0\0WAVE", b"OggS"])
def test_bytes_that_are_no_recording_are_the_callers_fault(bad: bytes) -> None:
    with pytest.raises(InvalidInput, match="recording") as error:
        read(bad)
    assert error.value.param == "audio"


def test_noise_is_the_callers_fault_or_sound_but_never_another_error() -> None:
    random = np.random.default_rng(7)
    for container, codec in (
        ("mp3", "libmp3lame"),
        ("ogg", "libopus"),
        ("mp4", "aac"),
        ("flac", "flac"),
        ("webm", "libopus"),
    ):
        whole = np.frombuffer(make(container, codec, 1.0, 48_000), np.uint8)
        for _ in range(12):
            damaged = whole.copy()
            places = random.integers(0, len(whole), 40)
            damaged[places] = random.integers(0, 256, 40)
            try:
                assert np.isfinite(read(damaged.tobytes())).all()
            except InvalidInput as error:
                assert error.param == "audio"


def test_a_playlist_reads_no_other_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(make("wav", "pcm_s16le"))
    lists = (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{secret}'\n",
    )
    for text in lists:
        (tmp_path / "list.wav").write_text(text, "utf8")
        for source in (text.encode(), str(tmp_path / "list.wav")):
            with pytest.raises(InvalidInput, match="could not be read"):
                read(source)


def test_pictures_without_sound_are_refused_by_that_name() -> None:
    with pytest.raises(InvalidInput, match="has no sound"):
        read(make("mp4", None, video="mpeg4"))


def test_a_track_without_samples_has_no_sound() -> None:
    with pytest.raises(InvalidInput, match="has no sound"):
        read(b"RIFF\x24\0\0\0" + WAV_HEAD + bytes(4))


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp3", "libmp3lame"), ("flac", "flac"), ("ogg", "libopus"), ("webm", "libopus"), ("wav", "pcm_s16le")],
)
def test_a_cut_recording_gives_what_is_before_the_cut(container: str, codec: str) -> None:
    whole = make(container, codec, 4.0, 48_000)
    samples = read(whole[: len(whole) * 3 // 4])
    assert 2.0 < len(samples) / RATE < 3.5


def test_an_mp4_that_lost_its_index_is_refused() -> None:
    whole = make("mp4", "aac", 4.0)
    with pytest.raises(InvalidInput, match="could not be read"):
        read(whole[: len(whole) // 2])


def test_damage_in_the_middle_costs_only_the_damaged_part() -> None:
    whole = bytearray(make("mp3", "libmp3lame", 4.0))
    middle = len(whole) // 2
    whole[middle : middle + 600] = b"\0" * 600
    assert len(read(bytes(whole))) / RATE > 3.5


def test_a_recording_beyond_the_limit_is_refused_before_its_end() -> None:
    file = make("flac", "flac", 20.0)
    assert len(read(file, 20.1)) / RATE == pytest.approx(20.0, abs=0.01)
    seen = 0
    with pytest.raises(InvalidInput, match="longer than 5 seconds"):
        for samples in decode(file, 5):
            seen += len(samples)
    assert seen <= 5 * RATE


def test_samples_that_are_no_numbers_stay_within_one() -> None:
    whole = bytearray(make("wav", "pcm_f32le", 1.0, 16_000, "mono"))
    at = whole.index(b"data") + 8
    whole[at + 400 : at + 404] = struct.pack("<f", float("nan"))
    whole[at + 800 : at + 804] = struct.pack("<f", float("inf"))
    samples = read(bytes(whole))
    assert np.abs(samples).max() <= 1.0


def test_channels_are_mixed() -> None:
    mono, stereo = (read(make("flac", "flac", 1.0, 16_000, layout)) for layout in ("mono", "stereo"))
    assert np.abs(mono - stereo).max() < 0.01


def test_an_hour_is_read_in_the_memory_of_a_minute(tmp_path: Path) -> None:
    path = tmp_path / "hour.wav"
    second = (tone(1.0, RATE) * 32767).astype("<i2").tobytes()
    with path.open("wb") as file:
        file.write(b"RIFF\xff\xff\xff\xff" + WAV_HEAD + b"\xff\xff\xff\xff")
        for _ in range(3600):
            file.write(second)
    samples = decode(str(path))
    minute = sum(len(next(samples)) for _ in range(60))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    total = minute + sum(len(part) for part in samples)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert total == pytest.approx(3600 * RATE, abs=RATE)
    # An hour of samples is 225,000 KiB.
    assert grown < 20_000


def test_a_reader_that_stops_early_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(make("flac", "flac", 10.0))
    samples = decode(str(path))
    next(samples)
    assert _open_files(path) == 1
    samples.close()
    assert _open_files(path) == 0


def _open_files(path: Path) -> int:
    return sum(1 for link in Path("/proc/self/fd").iterdir() if link.is_symlink() and _target(link) == path)


def _target(link: Path) -> Path | None:
    try:
        return link.readlink()
    except OSError:
        return None
