"""Converts written text to spoken text."""

from __future__ import annotations

import html
import re
import unicodedata

import emoji

from .language import Language
from .numbers import speak_numbers

# The attributes of a tag need values, so a comparison such as `a <b and c> d` is not a tag.
_TAG = re.compile(r"""</?[A-Za-z][\w:.-]*(?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/?>|<!--.*?-->|<\?.*?\?>""", re.S)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});")
_MAIL = re.compile(r"(?<![\w.+-])(?:mailto:)?([\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[A-Za-z]{2,63})\b")
_URL = re.compile(r"\b(?:https?://|ftp://|www\.)[^\s<>\"'“”]+", re.I)
_URL_END = ".,;:!?)]}»"
# Separators in an address without a name in espeak-ng.
_URL_SILENT = re.compile(r"[-_~]+")
_REPEATED = re.compile(r"([^\w\s])\1{2,}")
# Unicode categories: controls, formats (joiners, direction marks, soft hyphens), surrogates, private, unassigned.
_SILENT = {"Cc", "Cf", "Cs", "Co", "Cn"}


def normalize(text: str, language: Language) -> str:
    """Returns `text` in words, with an empty line between paragraphs. The result may be empty.

    - Tags and comments of SSML or HTML are dropped; the text between tags is spoken. Entities become characters.
    - Controls, invisible formats, unpaired surrogates, private and unassigned characters are dropped.
    - Emoji become their CLDR names in the voice's language, or in English.
    - Addresses are spelled at their dots; the scheme of a URL is dropped.
    - Numbers, amounts, dates, times, ranges and units become words (`speak_numbers`).
    - A mark that is repeated three times or more becomes one mark.
    - Letters of other scripts are unchanged: espeak-ng reads or names them.
    """
    text = _TAG.sub(" ", text)
    text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    text = unicodedata.normalize("NFC", text)
    text = emoji.replace_emoji(text, lambda found, _: _emoji_name(found, language))
    text = "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in _SILENT)
    text = _MAIL.sub(lambda match: _spell(match[1], language), text)
    text = _URL.sub(lambda match: _url(match[0], language), text)
    text = speak_numbers(text, language)
    text = _REPEATED.sub(r"\1", text)
    paragraphs = (" ".join(paragraph.split()) for paragraph in re.split(r"\n[ \t]*\n", text))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _emoji_name(found: str, language: Language) -> str:
    name: str = emoji.demojize(found, delimiters=(" ", " "), language=language.emoji)
    return name.replace("_", " ")


def _url(address: str, language: Language) -> str:
    end = len(address.rstrip(_URL_END))
    bare = re.sub(r"^\w+://", "", address[:end]).rstrip("/")
    return _spell(bare, language) + address[end:]


def _spell(address: str, language: Language) -> str:
    dot = f" {language.dot} " if language.dot else " "
    return _URL_SILENT.sub(" ", re.sub(r"([^\w\s.-])", r" \1 ", address).replace(".", dot))
