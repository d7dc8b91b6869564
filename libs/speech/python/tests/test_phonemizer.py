from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from xim_speech.phonemizer import Phonemizer


@pytest.fixture
def phonemizer() -> Iterator[Phonemizer]:
    phonemizer = Phonemizer()
    yield phonemizer
    phonemizer.close()


def test_gives_one_text_of_phonemes_per_text(phonemizer: Phonemizer) -> None:
    assert phonemizer.phonemize("en-us", ["Hello there", "", "…", "world"]) == ["həlˈoʊ ðˈɛɹ", "", "", "wˈɜːld"]
    assert phonemizer.phonemize("de", ["Tag"]) == ["tˈɑːk"]
    assert phonemizer.phonemize("en-us", []) == []


def test_names_a_voice_that_is_not_there_and_goes_on(phonemizer: Phonemizer) -> None:
    with pytest.raises(ValueError, match="no voice 'xx-none'"):
        phonemizer.phonemize("xx-none", ["a"])
    assert phonemizer.phonemize("en-us", ["a"]) == ["ˈeɪ"]


def test_takes_long_texts_from_many_threads(phonemizer: Phonemizer) -> None:
    texts = ["word " * 400, *["x"] * 5_000]
    expected = phonemizer.phonemize("en-us", texts)
    assert len(expected) == len(texts)
    with ThreadPoolExecutor(4) as threads:
        assert all(
            answer == expected for answer in threads.map(lambda _: phonemizer.phonemize("en-us", texts), range(4))
        )


def test_a_process_that_died_is_replaced(phonemizer: Phonemizer) -> None:
    phonemizer.phonemize("en-us", ["a"])
    assert phonemizer._process is not None
    phonemizer._process.kill()
    phonemizer._process.wait()
    with pytest.raises(RuntimeError, match="the process of espeak-ng ended"):
        phonemizer.phonemize("en-us", ["a"])
    assert phonemizer.phonemize("en-us", ["a"]) == ["ˈeɪ"]


def test_espeak_is_not_loaded_here(phonemizer: Phonemizer) -> None:
    phonemizer.phonemize("en-us", ["a"])
    assert "espeakng_loader" not in sys.modules
    with open("/proc/self/maps", encoding="utf-8") as maps:
        assert "espeak" not in maps.read()
