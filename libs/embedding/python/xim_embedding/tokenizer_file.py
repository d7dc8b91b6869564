"""Opens a folder's tokenizer: `tokenizer.json`, or `vocab.txt` of a BERT model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from xim_worker import StartError

_BERT = {"BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "DistilBertTokenizerFast"}


def open_tokenizer(folder: Path) -> Tokenizer:
    """Opens the tokenizer without padding and truncation. Raises StartError if it is missing or not supported."""
    config = _config(folder)
    whole, words = folder / "tokenizer.json", folder / "vocab.txt"
    if whole.is_file():
        tokenizer = Tokenizer.from_file(str(whole))
    elif words.is_file():
        tokenizer = _word_pieces(words, config)
    else:
        raise StartError("the model has no tokenizer; expected tokenizer.json, or vocab.txt of BERT", permanent=True)
    # The file may enable both. Padding is done per batch, and no text is cut without a request for it.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if config.get("add_eos_token") and not _ends_with(tokenizer, _content(config.get("eos_token"))):
        raise StartError(
            "tokenizer_config.json has add_eos_token, but tokenizer.json adds none; save the tokenizer again with it",
            permanent=True,
        )
    return tokenizer


def _word_pieces(path: Path, config: dict[str, Any]) -> Tokenizer:
    """Builds the BertTokenizer of Transformers; keys missing in tokenizer_config.json have its defaults."""
    kind = config.get("tokenizer_class", "BertTokenizer")
    if kind not in _BERT:
        raise StartError(f"vocab.txt belongs to a {kind}; without tokenizer.json only BERT's is read", permanent=True)
    unknown, first, last, padding, masked = (
        _content(config.get(f"{name}_token")) or f"[{name.upper()}]" for name in ("unk", "cls", "sep", "pad", "mask")
    )
    tokenizer = Tokenizer(WordPiece.from_file(str(path), unk_token=unknown))
    for token in (unknown, first, last):
        if tokenizer.token_to_id(token) is None:
            raise StartError(f"vocab.txt does not have the token {token}", permanent=True)
    tokenizer.normalizer = BertNormalizer(
        lowercase=config.get("do_lower_case", True),
        strip_accents=config.get("strip_accents"),
        handle_chinese_chars=config.get("tokenize_chinese_chars", True),
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} $B:1 {last}:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (first, last)],
    )
    present = [token for token in (unknown, first, last, padding, masked) if tokenizer.token_to_id(token) is not None]
    tokenizer.add_special_tokens(present)
    return tokenizer


def _ends_with(tokenizer: Tokenizer, token: str | None) -> bool:
    return token is not None and tokenizer.encode("a").ids[-1] == tokenizer.token_to_id(token)


def _content(token: Any) -> str | None:
    """Reads a special token: a string, or an object with the key `content`."""
    return token.get("content") if isinstance(token, dict) else token


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    found: dict[str, Any] = json.loads(path.read_text("utf8")) if path.is_file() else {}
    return found
