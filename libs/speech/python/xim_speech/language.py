"""The language of a voice, from CLDR (Babel) and num2words."""

from __future__ import annotations

from dataclasses import dataclass

import emoji
from babel import Locale, UnknownLocaleError
from num2words import CONVERTER_CLASSES

# Words that are in neither CLDR nor num2words: the dot of an address, and the dash of a range.
_DOT = {"en": "dot", "de": "Punkt", "fr": "point", "es": "punto", "it": "punto", "pt": "ponto", "nl": "punt"}
_RANGE = {"en": "to", "de": "bis", "fr": "à", "es": "a", "it": "a", "pt": "a", "nl": "tot"}


@dataclass(frozen=True)
class Language:
    """`locale` is CLDR's locale. `numbers` is num2words' name of the language; None: espeak-ng reads the numbers."""

    locale: Locale
    numbers: str | None
    emoji: str
    dot: str | None
    range: str | None

    @property
    def code(self) -> str:
        """The code of ISO 639-1."""
        language: str = self.locale.language
        return language


def find_language(tag: str) -> Language:
    """The language of a tag such as `en-us` or `de_DE`; English for a tag that CLDR does not have."""
    parts = tag.replace("_", "-").split("-")
    language = parts[0].lower()
    territories = [part.upper() for part in parts[1:] if len(part) == 2 and part.isalpha()]
    locale = _locale([*(f"{language}_{territory}" for territory in territories), language])
    region = f"{language}_{locale.territory}"
    numbers = next((name for name in (region, language) if name in CONVERTER_CLASSES), None)
    return Language(
        locale=locale,
        numbers=numbers,
        emoji=language if language in emoji.LANGUAGES else "en",
        dot=_DOT.get(language),
        range=_RANGE.get(language),
    )


def _locale(names: list[str]) -> Locale:
    for name in names:
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse("en_US")
