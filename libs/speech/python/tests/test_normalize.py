from __future__ import annotations

import pytest
from xim_speech.language import find_language
from xim_speech.normalize import normalize

ENGLISH = find_language("en-us")


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        # Numbers.
        ("9", "nine"),
        ("1,500 people", "one thousand five hundred people"),
        ("1234.5", "one thousand two hundred and thirty-four point five"),
        ("-3 and x-5", "minus three and x-five"),
        ("in 1999 and 2026", "in nineteen ninety-nine and twenty twenty-six"),
        ("007", "zero zero seven"),
        ("the 3rd and the 21st", "the third and the twenty-first"),
        ("version 1.2.3", "version one dot two dot three"),
        ("192.168.0.1", "one hundred and ninety-two dot one hundred and sixty-eight dot zero dot one"),
        ("1234567890123456", "one two three four five six seven eight nine zero one two three four five six"),
        ("mp3, H2O and x86_64", "mp3, H2O and x86_64"),
        ("٣", "three"),
        # Ranges.
        ("pages 3-5", "pages three to five"),
        ("2019–2021", "twenty nineteen to twenty twenty-one"),
        ("5-3", "five-three"),
        # Amounts.
        ("$5.3 billion", "five point three billion dollars"),
        ("$200,000", "two hundred thousand dollars"),
        ("$5.30", "five dollars, thirty cents"),
        ("-$4", "minus four dollars"),
        ("€1", "one euro"),
        ("5 EUR, USD 20", "five euro, twenty dollars"),
        ("$ alone", "$ alone"),
        # Dates and times.
        ("2026-11-26", "November twenty-sixth, twenty twenty-six"),
        ("11/26/2026", "November twenty-sixth, twenty twenty-six"),
        ("9:30PM", "nine thirty P M"),
        ("9:05 a.m.", "nine oh five A M"),
        ("10:00", "ten o'clock"),
        ("23:00", "twenty-three hundred"),
        ("9:30:15", "nine thirty fifteen"),
        # Units.
        ("40–60 °C", "forty to sixty degrees Celsius"),
        ("-5°C", "minus five degrees Celsius"),
        ("1 km at 5 km/h", "one kilometer at five kilometers per hour"),
        ("16 GB, 50%", "sixteen gigabytes, fifty percent"),
        ("5 in the morning", "five in the morning"),
        # Addresses.
        ("me@example.com", "me @ example dot com"),
        ("https://www.example.com/a-b?x=1.", "www dot example dot com / a b ? x = one."),
        ("(www.example.org)", "(www dot example dot org)"),
        # Emoji.
        ("Hi 👋 there", "Hi waving hand there"),
        ("👨‍👩‍👧", "family man woman girl"),
        ("🇩🇪", "Germany"),
        # Tags.
        ('<speak>hi <break time="1s"/>there</speak>', "hi there"),
        ("<!-- not this -->this", "this"),
        ("a < b and c > d", "a < b and c > d"),
        ("x <y and z> w", "x <y and z> w"),
        ("Q&amp;A, &#65;", "Q&A, A"),
        # Characters without a sound.
        ("a\x00b\x07\u200bc\u00add\ufeff", "abcd"),
        ("a\ud800b\ue000", "ab"),
        ("cafe\u0301", "café"),
        ("what!!!!????", "what!?"),
        (" a \n b\n\n\nc\t", "a b\n\nc"),
        ("", ""),
        ("\x00 \u200b", ""),
        # Other scripts are unchanged.
        ("Hello 日本 Привет", "Hello 日本 Привет"),
    ],
)
def test_english(written: str, spoken: str) -> None:
    assert normalize(written, ENGLISH) == spoken


@pytest.mark.parametrize(
    ("language", "written", "spoken"),
    [
        ("de", "1.234,5", "eintausendzweihundertvierunddreißig Komma fünf"),
        ("de", "5 km bei 20 °C", "fünf Kilometer bei zwanzig Grad Celsius"),
        ("de", "2 Millionen €", "zwei Millionen Euro"),
        ("de", "40–60", "vierzig bis sechzig"),
        ("de", "👋", "winkende hand"),
        ("fr-fr", "5 km", "cinq kilomètres"),
        # CLDR has the language, num2words does not.
        ("sw", "5 km", "5 km"),
    ],
)
def test_other_languages(language: str, written: str, spoken: str) -> None:
    assert normalize(written, find_language(language)) == spoken


def test_an_unknown_language_is_read_as_english() -> None:
    assert find_language("xx").locale == find_language("en-us").locale


@pytest.mark.parametrize(
    "piece", ["<a ", "1,", "1.", "a.b@", "$5.3 ", "www.", "&amp", "-", "9:30", "1" * 5_000, "\u0301"]
)
def test_hostile_repetition_has_an_end(piece: str) -> None:
    assert normalize(piece * (20_000 // len(piece)), ENGLISH) is not None
