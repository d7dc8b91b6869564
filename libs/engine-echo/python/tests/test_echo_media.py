"""Files in, files out: every one is read back with the standard library."""

import io
import struct
import wave
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from xim_engine_echo.image import GenerateImage
from xim_engine_echo.speak import Speak
from xim_engine_echo.transcribe import Transcribe
from xim_worker import CallHandler, Context, Event, InvalidInput

MakeContext = Callable[..., Context]


def run(handler: CallHandler, request: dict[str, Any], context: Context) -> list[Event]:
    handler.load(context)
    return [event for event in handler.run(request, lambda: False) if event is not None]


def wav(seconds: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(2)
        recording.setsampwidth(2)
        recording.setframerate(8000)
        recording.writeframes(bytes(round(seconds * 8000) * 4))
    return file.getvalue()


def test_transcribe_reads_bytes_and_files_alike(context: MakeContext, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(4.5))
    events = run(Transcribe(), {"audio": {"bytes": wav(4.5)}}, context())
    assert run(Transcribe(), {"audio": {"path": str(tmp_path / "a.wav")}}, context()) == events
    assert [event["type"] for event in events] == ["start", *["segment", "progress"] * 3, "end"]
    written = sum(len(event["segment"]["tokens"]) for event in events if "segment" in event)
    usage = {"inputTokens": 225, "outputTokens": written}
    assert events[-1] == {"type": "end", "duration": 4.5, "language": "en", "usage": usage}
    assert [(event["segment"]["start"], event["segment"]["end"]) for event in events if "segment" in event] == [
        (0, 2),
        (2, 4),
        (4, 4.5),
    ]


def test_transcribe_gives_words_and_speakers_when_asked(context: MakeContext) -> None:
    request = {"audio": {"bytes": wav(4)}, "words": True, "speakers": {"count": 2}, "language": "de"}
    events = run(Transcribe(), request, context())
    segments = [event["segment"] for event in events if event["type"] == "segment"]
    assert [segment["speaker"] for segment in segments] == ["SPEAKER_00", "SPEAKER_01"]
    words = segments[1]["words"]
    assert " ".join(word["word"] for word in words) == segments[1]["text"].strip()
    assert (words[0]["start"], words[-1]["end"], words[0]["speaker"]) == (2, pytest.approx(4), "SPEAKER_01")
    assert events[-1]["language"] == "de"


def test_transcribe_knows_speakers_by_name(context: MakeContext) -> None:
    known = [{"name": "Ann", "audio": {"bytes": wav(2)}}]
    request = {"audio": {"bytes": wav(6)}, "speakers": {"count": 3, "known": known}}
    events = run(Transcribe(), request, context())
    speakers = [event["segment"]["speaker"] for event in events if "segment" in event]
    assert speakers == ["Ann", "SPEAKER_00", "SPEAKER_01"]
    known[0]["audio"] = {"bytes": b"noise"}
    with pytest.raises(InvalidInput):
        run(Transcribe(), request, context())


def test_transcribe_translates_and_tells_chances(context: MakeContext) -> None:
    events = run(Transcribe(), {"audio": {"bytes": wav(1)}, "translate": True, "logprobs": True}, context())
    segment = next(event["segment"] for event in events if "segment" in event)
    assert segment["text"] == " In English, from 0.0 to 1.0 seconds."
    assert b"".join(bytes(chance["bytes"]) for chance in segment["logprobs"]).decode() == segment["text"]


def test_transcribe_believes_the_sound_and_not_the_head(context: MakeContext) -> None:
    assert run(Transcribe(), {"audio": {"bytes": wav(4)[:-16_000]}}, context())[-1]["duration"] == 3.5


@pytest.mark.parametrize("broken", [b"", b"RIFF", b"\0" * 100, wav(1)[:30], wav(0), b"ID3" + wav(1)])
def test_transcribe_refuses_what_it_cannot_read(context: MakeContext, broken: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(broken)
    for audio in ({"bytes": broken}, {"path": str(tmp_path / "a.wav")}, {"path": str(tmp_path / "none")}):
        with pytest.raises(InvalidInput) as refusal:
            run(Transcribe(), {"audio": audio}, context())
        assert refusal.value.param == "audio"


@pytest.mark.parametrize(("speed", "voice"), [(1, "alto"), (2, "bass"), (0.25, "alto")])
def test_speak_gives_one_wav_file_in_pieces(context: MakeContext, speed: float, voice: str) -> None:
    text = "a text of some length, and more"
    events = run(Speak(), {"text": text, "format": "wav", "speed": speed, "voice": voice}, context())
    file = b"".join(event["bytes"] for event in events if event["type"] == "audio")
    with wave.open(io.BytesIO(file)) as recording:
        assert (recording.getframerate(), recording.getnchannels(), recording.getsampwidth()) == (24_000, 1, 2)
        seconds = recording.getnframes() / 24_000
        assert len(recording.readframes(1 << 30)) == 2 * recording.getnframes()
    assert seconds == events[-1]["duration"] == pytest.approx(len(text) * 0.06 / speed, abs=1e-4)
    assert len(events) == 2 + -(-seconds // 0.5)
    pcm = run(Speak(), {"text": text, "format": "pcm", "speed": speed, "voice": voice}, context())
    assert file[44:] == b"".join(event["bytes"] for event in pcm if event["type"] == "audio")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"format": "mp3"}, "XIM_UNSUPPORTED_PARAMETER"),
        ({"text": ""}, "XIM_INVALID_INPUT"),
        ({"voice": "nobody"}, "XIM_INVALID_INPUT"),
        ({"speed": 0.1}, "XIM_INVALID_INPUT"),
    ],
)
def test_speak_refuses_by_name(context: MakeContext, change: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        run(Speak(), {"text": "a", "format": "wav", **change}, context())
    assert (refusal.value.param, refusal.value.code) == (next(iter(change)), code)


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and unfiltered rows of an 8-bit RGB PNG; every checksum is looked at."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        chunk = png[at + 4 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length)[0] == zlib.crc32(chunk)
        chunks[chunk[:4]] = chunk[4:]
        at += 12 + length
    width, height, depth, colour = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    rows = zlib.decompress(chunks[b"IDAT"])
    assert (depth, colour, len(rows), list(chunks)[-1]) == (8, 2, height * (1 + 3 * width), b"IEND")
    return width, height, rows


def test_generate_image_gives_real_pictures_and_their_partials(context: MakeContext) -> None:
    request = {"prompt": "a", "format": "png", "width": 9, "height": 5, "count": 2, "steps": 4, "partials": 2}
    events = run(GenerateImage(), request, context())
    assert (events[0]["width"], events[0]["height"]) == (9, 5)
    assert events[-1]["usage"] == {"textTokens": 1, "imageTokens": 0, "outputTokens": 2 * 9 * 5}
    assert [event["step"] for event in events if event["type"] == "progress"] == list(range(1, 9))
    images = [event for event in events if event["type"] == "image"]
    assert [(image["index"], image.get("partial")) for image in images] == [
        *[(0, 0), (0, 1), (0, None)],
        *[(1, 0), (1, 1), (1, None)],
    ]
    seen = [pixels(image["bytes"]) for image in images]
    assert {(width, height) for width, height, _ in seen} == {(9, 5)}
    assert len({rows for _, _, rows in seen}) == 6


def test_generate_image_has_a_default_size(context: MakeContext) -> None:
    def size(**change: int) -> tuple[int, int]:
        events = run(GenerateImage(), {"prompt": "a", "format": "png", **change}, context())
        return next(pixels(event["bytes"])[:2] for event in events if event["type"] == "image")

    assert [size(), size(width=8), size(height=8)] == [(64, 64), (8, 64), (64, 8)]


def test_generate_image_gives_picture_i_the_seed_plus_i(context: MakeContext) -> None:
    def pictures(**change: int) -> list[bytes]:
        request = {"prompt": "a", "format": "png", "width": 8, "height": 8, **change}
        return [event["bytes"] for event in run(GenerateImage(), request, context()) if event["type"] == "image"]

    assert pictures(seed=5, count=2) == pictures(seed=5) + pictures(seed=6)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"format": "jpeg"}, "XIM_UNSUPPORTED_PARAMETER"),
        ({"image": {"path": "/a.png"}}, "XIM_UNSUPPORTED_PARAMETER"),
        ({"strength": 0.5}, "XIM_UNSUPPORTED_PARAMETER"),
        ({"width": 0}, "XIM_INVALID_INPUT"),
        ({"height": 5000}, "XIM_INVALID_INPUT"),
        ({"count": 0}, "XIM_INVALID_INPUT"),
    ],
)
def test_generate_image_refuses_by_name(context: MakeContext, change: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        run(GenerateImage(), {"prompt": "a", "format": "png", "width": 8, "height": 8, **change}, context())
    assert (refusal.value.param, refusal.value.code) == (next(iter(change)), code)
