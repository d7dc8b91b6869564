"""The tokenizer and the chat template of a GGUF file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tokenizers
from gguf import TokenType
from tokenizers import AddedToken, decoders, models, normalizers
from xim_worker import StartError

from .header import GgufHeader, read_header
from .pre_tokenizers import PRE_TOKENIZERS, to_pre_tokenizer

END_NAMES = {
    *("<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>"),
    *("<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>"),
    *("<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>", "<｜end▁of▁sentence｜>", "[e~["),
    *("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
    *("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>"),
}
"""Tokens that end an output, by name. Source: llama.cpp, `special_eog_ids` in `src/llama-vocab.cpp`."""

ADDED = {TokenType.CONTROL, TokenType.USER_DEFINED, TokenType.UNKNOWN}
"""Tokens that are found in a text before it is cut into words."""


@dataclass(frozen=True)
class TokenizerParts:
    """The arguments of `xim_generation.chat.tokenizer.Tokenizer`, by name; `backend` is the first one."""

    backend: tokenizers.Tokenizer
    template: str | None
    tool_template: str | None
    ends: frozenset[int]
    bos: str | None
    eos: str | None
    prefix: Sequence[int]
    """Tokens that a raw text begins with."""
    names: Mapping[str, str]
    """Texts of special tokens by their names in templates: `unk_token`, `pad_token`, …"""


def read_tokenizer(source: Path | GgufHeader) -> TokenizerParts:
    """The tokenizer of a GGUF file, or of a header that has been read.

    Raises StartError, permanent, for a tokenizer that is not supported.
    """
    header = source if isinstance(source, GgufHeader) else read_header(source)
    model = header.field("tokenizer.ggml.model", "")
    texts = header.field("tokenizer.ggml.tokens", [])
    tokens = [text or f"[EMPTY_{number}]" for number, text in enumerate(texts)]
    if model not in ("gpt2", "llama") or not tokens:
        raise StartError(
            f"{header.path.name}: tokenizer {model!r} is not supported; gpt2 (byte-level BPE) and llama "
            "(SentencePiece BPE) are",
            permanent=True,
        )
    kinds = [TokenType(kind) for kind in header.field("tokenizer.ggml.token_type", [TokenType.NORMAL] * len(tokens))]
    if model == "gpt2":
        backend, begins = _byte_level(header, tokens)
    else:
        backend, begins = _sentence_piece(header, tokens, kinds), True
    ends = _ends(header, tokens)
    for number, (text, kind) in enumerate(zip(tokens, kinds, strict=True)):
        if kind in ADDED or number in ends:
            special = kind != TokenType.USER_DEFINED or number in ends
            added = AddedToken(text, special=special, normalized=False)
            (backend.add_special_tokens if special else backend.add_tokens)([added])
    names = {
        f"{name}_token": tokens[token]
        for name in ("bos", "eos", "unk", "pad")
        if (token := _special(header, {"unk": "unknown", "pad": "padding"}.get(name, name), len(tokens))) is not None
    }
    bos = _special(header, "bos", len(tokens))
    begins = bool(header.field("tokenizer.ggml.add_bos_token", begins)) and bos is not None
    return TokenizerParts(
        backend=backend,
        template=header.field("tokenizer.chat_template"),
        tool_template=header.field("tokenizer.chat_template.tool_use"),
        ends=ends,
        bos=names.get("bos_token"),
        eos=names.get("eos_token"),
        prefix=[bos] if begins and bos is not None else [],
        names=names,
    )


def _byte_level(header: GgufHeader, tokens: list[str]) -> tuple[tokenizers.Tokenizer, bool]:
    name = header.field("tokenizer.ggml.pre", "default")
    rule = PRE_TOKENIZERS.get(name)
    if rule is None:
        raise StartError(
            f"{header.path.name}: pre-tokenizer {name!r} is not supported; supported: {', '.join(PRE_TOKENIZERS)}",
            permanent=True,
        )
    merges = [_pair(str(merge)) for merge in header.field("tokenizer.ggml.merges", [])]
    vocabulary = {text: token for token, text in enumerate(tokens)}
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, merges, ignore_merges=rule.whole_words))
    backend.pre_tokenizer = to_pre_tokenizer(rule)
    backend.decoder = decoders.ByteLevel()
    return backend, rule.begins


def _pair(merge: str) -> tuple[str, str]:
    """The first letter of a merge may be a space itself."""
    at = merge.index(" ", 1)
    return merge[:at], merge[at + 1 :]


def _sentence_piece(header: GgufHeader, tokens: list[str], kinds: list[TokenType]) -> tokenizers.Tokenizer:
    scores = header.field("tokenizer.ggml.scores", [0.0] * len(tokens))
    vocabulary = {text: token for token, text in enumerate(tokens)}
    unknown = _special(header, "unknown", len(tokens))
    backend = tokenizers.Tokenizer(
        models.BPE(
            vocabulary,
            _merges(tokens, kinds, scores),
            unk_token=None if unknown is None else tokens[unknown],
            fuse_unk=True,
            byte_fallback=TokenType.BYTE in kinds,
        )
    )
    spaced = bool(header.field("tokenizer.ggml.add_space_prefix", True))
    replaced = normalizers.Replace(" ", "▁")
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replaced]) if spaced else replaced
    parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    backend.decoder = decoders.Sequence([*parts, decoders.Strip(" ", 1, 0)] if spaced else parts)
    return backend


def _merges(tokens: list[str], kinds: list[TokenType], scores: Sequence[float]) -> list[tuple[str, str]]:
    """SentencePiece joins the neighbours whose joint piece has the best score; as merges, from the best one down."""
    pieces = {text for text, kind in zip(tokens, kinds, strict=True) if kind not in (TokenType.BYTE, *ADDED)}
    order = sorted((token for token, text in enumerate(tokens) if text in pieces), key=lambda token: -scores[token])
    return [
        (text[:at], text[at:])
        for text in (tokens[token] for token in order)
        for at in range(1, len(text))
        if text[:at] in pieces and text[at:] in pieces
    ]


def _ends(header: GgufHeader, tokens: list[str]) -> frozenset[int]:
    ends = {token for token, text in enumerate(tokens) if text in END_NAMES}
    for name in ("eos", "eot", "eom"):
        token = _special(header, name, len(tokens))
        if token is not None:
            ends.add(token)
    by_name = {tokens[token]: token for token in ends}
    if {"<|return|>", "<|call|>"} <= by_name.keys() or {"<|calls|>", "<|flush|>"} <= by_name.keys():
        ends.discard(by_name.get("<|end|>", -1))  # it ends a message of several there
    if "<|tool_response>" in by_name:
        ends.discard(by_name.get("</s>", -1))
    return frozenset(ends)


def _special(header: GgufHeader, name: str, count: int) -> int | None:
    token = header.field(f"tokenizer.ggml.{name}_token_id")
    return int(token) if token is not None and 0 <= int(token) < count else None
