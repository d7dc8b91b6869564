"""Converts numbers, amounts of money, dates, times, ranges and units to words."""

from __future__ import annotations

import functools
import re
from datetime import date
from decimal import Decimal

from babel.dates import format_date, parse_date
from babel.numbers import NumberFormatError, format_decimal, get_currency_name, get_group_symbol, parse_decimal
from babel.units import format_unit
from num2words import num2words

from .language import Language

# A number with more digits is read digit by digit, such as the number of a card or an account.
_MOST_DIGITS = 15
# A longer number, in characters, is not parsed: decimal computes with 28 digits.
_LONGEST = 27
_NUMBER = r"\d+(?:[.,'’\u00a0\u202f]\d+)*"
_DASH = r"[-–—]"
# A number inside a word (mp3, H2O, x86_64) is left to espeak-ng.
_ALONE = r"(?<![\w.,])"
_ISO_DATE = re.compile(rf"{_ALONE}(\d{{4}})-(\d\d)-(\d\d)(?![\w-])")
_DATE = re.compile(rf"{_ALONE}\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}}(?![\w/])")
_TIME = re.compile(rf"{_ALONE}([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?:\s?([AaPp])\.?[Mm]\b\.?)?(?![\w:])")
_ORDINAL = re.compile(r"\b(\d{1,15})(?:st|nd|rd|th)\b")

# CLDR's names of the units that prose writes as symbols. The symbols and the words come from CLDR.
_UNITS = (
    "area-square-kilometer area-hectare area-square-meter area-square-centimeter concentr-percent concentr-permille "
    "digital-petabyte digital-terabyte digital-gigabyte digital-megabyte digital-kilobyte digital-gigabit "
    "digital-megabit duration-hour duration-minute duration-second duration-millisecond duration-microsecond "
    "electric-ampere electric-milliampere electric-volt electric-ohm energy-kilocalorie energy-kilojoule "
    "energy-kilowatt-hour frequency-gigahertz frequency-megahertz frequency-kilohertz frequency-hertz "
    "length-kilometer length-meter length-centimeter length-millimeter length-micrometer length-nanometer "
    "length-mile length-foot length-yard mass-tonne mass-kilogram mass-gram mass-milligram mass-pound mass-ounce "
    "power-gigawatt power-megawatt power-kilowatt power-watt power-horsepower pressure-bar pressure-hectopascal "
    "speed-kilometer-per-hour speed-meter-per-second speed-mile-per-hour temperature-celsius temperature-fahrenheit "
    "temperature-generic volume-cubic-meter volume-cubic-centimeter volume-liter volume-milliliter volume-gallon"
)


def speak_numbers(text: str, language: Language) -> str:
    """Returns `text` with its numbers in words. In a language without num2words they stay, and espeak-ng reads them."""
    if language.numbers is None or not any(char.isdigit() for char in text):
        return text
    return _Reader(language).read(text)


class _Reader:
    def __init__(self, language: Language) -> None:
        self._language = language
        self._locale = language.locale
        self._lang = language.numbers
        self._currencies = _currency_symbols(language)
        self._scales = _scale_words(language)
        self._units = _unit_symbols(language)
        symbols = "|".join(re.escape(symbol) for symbol in sorted(self._currencies, key=len, reverse=True))
        scales = "|".join(re.escape(word) for word in self._scales)
        units = "|".join(re.escape(symbol) for symbol in sorted(self._units, key=len, reverse=True))
        amount = rf"(?P<number>{_NUMBER})(?:[ \u00a0\u202f]?(?P<scale>{scales})\b)?"
        self._money_before = re.compile(rf"(?P<minus>(?<![\w\d])[-−])?(?P<symbol>{symbols})[ \u00a0\u202f]?{amount}")
        self._money_after = re.compile(rf"{_ALONE}(?P<minus>[-−])?{amount}[ \u00a0\u202f]?(?P<symbol>{symbols})(?!\w)")
        self._unit = re.compile(
            rf"{_ALONE}(?:(?P<first>{_NUMBER})[ \u00a0\u202f]?{_DASH}[ \u00a0\u202f]?)?(?P<minus>(?<!\d)[-−])?"
            rf"(?P<number>{_NUMBER})[ \u00a0\u202f]?(?P<unit>{units})(?!\w)"
        )
        self._range = re.compile(rf"{_ALONE}({_NUMBER})[ \u00a0\u202f]?[–—-][ \u00a0\u202f]?({_NUMBER})(?![\w-])")
        self._number = re.compile(rf"(?P<minus>(?<![\w)\]])[-−])?{_ALONE}(?P<number>{_NUMBER})(?!\w)")

    def read(self, text: str) -> str:
        text = _ISO_DATE.sub(self._iso_date, text)
        text = _DATE.sub(self._local_date, text)
        text = _TIME.sub(self._time, text)
        text = self._money_before.sub(self._money, text)
        text = self._money_after.sub(self._money, text)
        text = self._unit.sub(self._measure, text)
        if self._language.code == "en":
            text = _ORDINAL.sub(lambda match: self._words(Decimal(match[1]), "ordinal"), text)
        if self._language.range is not None:
            text = self._range.sub(self._span, text)
        return self._number.sub(self._plain, text)

    def _iso_date(self, match: re.Match[str]) -> str:
        try:
            day = date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            return match[0]
        return self._date(day)

    def _local_date(self, match: re.Match[str]) -> str:
        try:
            day = parse_date(match[0], locale=self._locale)
        except (ValueError, IndexError):
            return match[0]
        return self._date(day)

    def _date(self, day: date) -> str:
        long: str = format_date(day, "long", locale=self._locale)
        long = long.replace(str(day.year), self._words(Decimal(day.year), "year"))
        kind = "ordinal" if self._language.code in ("en", "de") else "cardinal"
        return re.sub(rf"(?<!\w){day.day}(?!\w)\.?", self._words(Decimal(day.day), kind), long)

    def _time(self, match: re.Match[str]) -> str:
        hour, minute, second = int(match[1]), int(match[2]), match[3]
        parts = [self._words(Decimal(hour))]
        if minute or second or not match[4]:
            is_english = self._language.code == "en"
            if is_english and minute == 0 and not second:
                parts.append("o'clock" if 0 < hour <= 12 else "hundred")
            else:
                parts += ["oh"] if is_english and minute < 10 else []
                parts.append(self._words(Decimal(minute)))
        if second:
            parts.append(self._words(Decimal(second)))
        if match[4]:
            parts.append(f"{match[4].upper()} M")
        return " ".join(parts)

    def _money(self, match: re.Match[str]) -> str:
        value = self._parse(match["number"])
        if value is None:
            return match[0]
        currency, scale = self._currencies[match["symbol"]], match["scale"]
        sign = self._minus() if match["minus"] else ""
        if scale:
            return f"{sign}{self._words(value)} {scale} {self._currency_words(Decimal(2), currency)}"
        if value == value.to_integral_value() or value.as_tuple().exponent != -2:
            return f"{sign}{self._words(value)} {self._currency_words(value, currency)}"
        try:
            words: str = num2words(value, lang=self._lang, to="currency", currency=currency)
        except (NotImplementedError, KeyError, TypeError, ValueError):
            return f"{sign}{self._words(value)} {self._currency_words(value, currency)}"
        return sign + words

    def _currency_words(self, value: Decimal, currency: str) -> str:
        """The name of a currency: `dollars`, or CLDR's `US dollars` if num2words does not have the currency."""
        whole = 1 if value == 1 else 2
        try:
            words: str = num2words(whole, lang=self._lang, to="currency", currency=currency, separator="|", cents=False)
            return words.split("|")[0].split(maxsplit=1)[1]
        except (NotImplementedError, KeyError, IndexError, TypeError, ValueError):
            name: str = get_currency_name(currency, count=whole, locale=self._locale)
            return name

    def _measure(self, match: re.Match[str]) -> str:
        value = self._parse(match["number"])
        first = None if match["first"] is None else self._parse(match["first"])
        if value is None or (match["first"] is not None and (first is None or self._language.range is None)):
            return match[0]
        signed = -value if match["minus"] else value
        # CLDR gives the unit in the correct plural form; then the digits become words too.
        phrase: str = format_unit(signed, self._units[match["unit"]], "long", locale=self._locale)
        phrase = phrase.replace(format_decimal(signed, locale=self._locale), self._words(signed), 1)
        return phrase if first is None else f"{self._words(first)} {self._language.range} {phrase}"

    def _span(self, match: re.Match[str]) -> str:
        first, last = self._parse(match[1]), self._parse(match[2])
        if first is None or last is None or first >= last:
            return match[0]
        return f"{self._bare(match[1], first)} {self._language.range} {self._bare(match[2], last)}"

    def _plain(self, match: re.Match[str]) -> str:
        written = match["number"]
        sign = self._minus() if match["minus"] else ""
        value = self._parse(written)
        if value is not None:
            return sign + self._bare(written, value)
        # Not a number or a date, but a version, an address or an account: the parts are read one by one.
        parts = re.split(r"\D+", written)
        dot = f" {self._language.dot} " if self._language.dot and "." in written else ", "
        return sign + dot.join(self._bare(part, Decimal(part)) for part in parts if part)

    def _bare(self, written: str, value: Decimal) -> str:
        if len(written) > 1 and written[0] == "0" and written.isdigit():
            return self._digits(written)
        if sum(map(str.isdigit, written)) > _MOST_DIGITS:
            return self._digits(re.sub(r"\D", "", written))
        is_year = len(written) == 4 and written.isdigit() and 1100 <= value < 2100
        return self._words(value, "year" if is_year else "cardinal")

    def _digits(self, digits: str) -> str:
        return " ".join(self._words(Decimal(digit)) for digit in digits)

    def _parse(self, written: str) -> Decimal | None:
        """Parses a number in the format of the locale; None if it is not a number."""
        if len(written) > _LONGEST:
            return None
        text = re.sub("['’\u00a0\u202f]", get_group_symbol(self._locale), written)
        try:
            value: Decimal = parse_decimal(text, locale=self._locale, strict=True)
        except (NumberFormatError, ArithmeticError):
            return None
        return value

    def _words(self, value: Decimal, to: str = "cardinal") -> str:
        number = int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else value
        try:
            words: str = num2words(number, lang=self._lang, to=to)
        except (NotImplementedError, OverflowError, TypeError, ValueError, KeyError):
            if to != "cardinal":
                return self._words(value)
            return str(value)
        return words.replace(",", "")

    def _minus(self) -> str:
        return self._words(Decimal(-1)).rsplit(" ", 1)[0] + " "


@functools.lru_cache(maxsize=32)
def _currency_symbols(language: Language) -> dict[str, str]:
    """Maps the locale's currency symbols, and the codes themselves, to codes of ISO 4217."""
    symbols: dict[str, str] = {}
    for code, symbol in language.locale.currency_symbols.items():
        symbols[code] = code
        if symbol != code:
            symbols[symbol] = code
    return symbols


@functools.lru_cache(maxsize=32)
def _scale_words(language: Language) -> tuple[str, ...]:
    """The words `thousand`, `million` and so on, in singular and plural, the longest first."""
    words = set()
    for power in (3, 6, 9, 12):
        for count in (1, 2):
            spoken: str = num2words(count * 10**power, lang=language.numbers)
            words.add(spoken.split()[-1])
    return tuple(sorted(words, key=lambda word: (-len(word), word)))


@functools.lru_cache(maxsize=32)
def _unit_symbols(language: Language) -> dict[str, str]:
    """Maps the locale's short symbol of a unit to CLDR's name of the unit."""
    symbols: dict[str, str] = {}
    for unit in _UNITS.split():
        short: str = format_unit(5, unit, "short", locale=language.locale)
        symbols.setdefault(short.replace("5", "", 1).strip(" \u00a0\u202f"), unit)
    return symbols
