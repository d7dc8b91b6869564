"""Voices in Kokoro's layout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from xim_speech.kokoro import KokoroVoice, find_kokoro_voices, read_kokoro_voice
from xim_speech.phonemizer import Phonemizer
from xim_worker import StartError

SYMBOLS = "$;:,.!? AIOQWYabdefhijklmnopstuvwzæðŋəɛɜɡɪɹɾʃʊʌʒʤʧˈˌːθᵊɔɑᵻ"


def write_voice(folder: Path, name: str = "af_one", rows: int = 511) -> None:
    (folder / "voices").mkdir(exist_ok=True)
    vocabulary = {symbol: number for number, symbol in enumerate(SYMBOLS)}
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}), encoding="utf-8")
    styles = np.repeat(np.arange(rows, dtype=np.float32), 256)
    styles.astype("<f4").tofile(folder / "voices" / f"{name}.bin")


def read_voice(folder: Path, name: str = "af_one") -> KokoroVoice:
    return read_kokoro_voice(find_kokoro_voices(folder)[name])


def spell(voice: KokoroVoice, text: str, mark: str = ".") -> list[str]:
    symbols = {number: symbol for symbol, number in voice.ids.items()}
    utterances = voice.to_utterances([(text, mark)])
    assert all(ids[0] == ids[-1] == 0 for ids in utterances)
    return ["".join(symbols[number] for number in ids[1:-1].tolist()) for ids in utterances]


def test_phonemes_of_espeak_become_those_of_the_model(tmp_path: Path) -> None:
    write_voice(tmp_path)
    write_voice(tmp_path, "bf_two")
    american, british = read_voice(tmp_path), read_voice(tmp_path, "bf_two")
    phonemizer = Phonemizer()
    try:
        spoken = phonemizer.phonemize("en-us", ["Go, judge my choice of day and house.", "bird"])
        assert spell(american, spoken[0]) == ["ɡˈO ʤˈʌʤ mI ʧˈYs ʌv dˈA ænd hˈWs."]
        assert spell(american, spoken[1]) == ["bˈɜɹd."]
        (go,) = phonemizer.phonemize(british.espeak_voice, ["Go"])
        assert "Q" in spell(british, go)[0]
    finally:
        phonemizer.close()


def test_the_style_is_that_of_the_number_of_phonemes(tmp_path: Path) -> None:
    write_voice(tmp_path)
    voice = read_voice(tmp_path)
    (ids,) = voice.to_utterances([("hɪ", "!")])
    assert (len(ids), voice.style(len(ids)).shape, voice.style(len(ids))[0, 0]) == (5, (1, 256), 3)


def test_a_sentence_with_more_phonemes_than_styles_is_cut_at_a_space(tmp_path: Path) -> None:
    write_voice(tmp_path, rows=21)
    voice = read_voice(tmp_path)
    parts = spell(voice, "ab kadab madab nadab sadab")
    assert all(len(part) <= 20 for part in parts)
    assert " ".join(parts) == "ab kadab madab nadab sadab."
    assert "".join(spell(voice, "a" * 50)) == "a" * 50 + "."


def test_marks_alone_have_no_utterance(tmp_path: Path) -> None:
    write_voice(tmp_path)
    assert read_voice(tmp_path).to_utterances([("", "."), ("§", "!")]) == []


def test_another_layout_has_none_of_these_voices(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"")
    assert find_kokoro_voices(tmp_path) == {}


@pytest.mark.parametrize("name", ["jf_alpha", "zm_yun", "1"])
def test_a_language_without_phonemes_is_refused(tmp_path: Path, name: str) -> None:
    write_voice(tmp_path, name)
    with pytest.raises(StartError, match=f"the voice {name} cannot speak here"):
        read_voice(tmp_path, name)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    write_voice(tmp_path)
    (tmp_path / "voices" / "af_cut.bin").write_bytes(bytes(1000))
    with pytest.raises(StartError, match=r"af_cut\.bin is no voice of Kokoro"):
        read_voice(tmp_path, "af_cut")
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(StartError, match=r"tokenizer\.json has no vocabulary"):
        read_voice(tmp_path)
