"""Tokenizers of GGUF files: words, pieces, special tokens and ends of outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from gguf import GGUFWriter, TokenType
from gguf_files import add_tokenizer, write_model
from tokenizers import models, pre_tokenizers, trainers
from xim_engine_oneapi.gguf import read_tokenizer
from xim_engine_oneapi.gguf.pre_tokenizers import PRE_TOKENIZERS, to_pre_tokenizer
from xim_worker import StartError

TEXT = "It's 12345 o'clock.\n\n    def f(x):\n\treturn \"a b\" + 'c'  # Grüße, 世界! HelloWorld isn't\n" * 3


def words(name: str, text: str) -> list[str]:
    """Words of a text; the letters of byte-level BPE read back."""
    letters = pre_tokenizers.ByteLevel.alphabet()
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    table = {chr(byte): byte for byte in visible} | {chr(256 + at): byte for at, byte in enumerate(hidden)}
    assert set(letters) == set(table)
    pieces = to_pre_tokenizer(PRE_TOKENIZERS[name]).pre_tokenize_str(text)
    return [bytes(table[letter] for letter in piece).decode() for piece, _ in pieces]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("gpt-2", "it's  12345\n\nA", ["it", "'s", " ", " 12345", "\n", "\n", "A"]),
        ("smollm", "it's 123", ["it", "'s", " ", "1", "2", "3"]),
        ("llama-bpe", "IT'S 12345\n\n  x", ["IT", "'S", " ", "123", "45", "\n\n", " ", " x"]),
        ("qwen2", "it's 123(\n", ["it", "'s", " ", "1", "2", "3", "(\n"]),
        ("qwen35", "नमस्ते x", ["नमस्ते", " x"]),
        ("gpt-4o", "HelloWorld isn't 1234/\n", ["Hello", "World", " isn't", " ", "123", "4", "/\n"]),
        ("tekken", "HelloWorld's 12", ["Hello", "World", "'s", " ", "1", "2"]),
        ("deepseek-v3", "abc世界1234+x", ["abc", "世界", "123", "4", "+x"]),
        ("deepseek-coder", "f(x) 12\n", ["f", "(", "x", ")", " ", "1", "2", "\n"]),
        ("default", "a+b 1234", ["a", "+", "b", " ", "123", "4"]),
    ],
)
def test_words(name: str, text: str, expected: list[str]) -> None:
    assert words(name, text) == expected


@pytest.mark.parametrize("name", PRE_TOKENIZERS)
def test_words_lose_nothing(name: str) -> None:
    assert "".join(words(name, TEXT)) == TEXT


def byte_level(path: Path, name: str, special: dict[str, TokenType], fields: dict[str, Any]) -> Any:
    """Writes a model with a byte-level BPE trained here, and returns the tokenizer that it was written from."""
    source = tokenizers.Tokenizer(models.BPE())
    source.pre_tokenizer = to_pre_tokenizer(PRE_TOKENIZERS[name])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=340, initial_alphabet=alphabet, show_progress=False)
    source.train_from_iterator([TEXT], trainer)
    vocabulary = sorted(source.get_vocab().items(), key=lambda entry: entry[1])
    tokens = [text for text, _ in vocabulary] + list(special)
    kinds = [TokenType.NORMAL] * len(vocabulary) + list(special.values())
    merges = [" ".join(pair) for pair in json.loads(source.to_str())["model"]["merges"]]
    write_model(path, tokenizer=lambda writer: add_tokenizer(writer, "gpt2", tokens, kinds, name, merges, None, fields))
    return source


def test_byte_level(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    special = {"<|im_start|>": TokenType.CONTROL, "<|im_end|>": TokenType.CONTROL, "<tool>": TokenType.USER_DEFINED}
    source = byte_level(path, "qwen2", special, {"chat_template": "{{ messages }}"})
    count = source.get_vocab_size()
    parts = read_tokenizer(path)
    assert parts.backend.encode(TEXT, add_special_tokens=False).ids == source.encode(TEXT).ids
    assert parts.backend.decode(source.encode(TEXT).ids) == TEXT
    marked = parts.backend.encode("<|im_start|>a<tool>", add_special_tokens=False).ids
    assert (marked[0], marked[-1]) == (count, count + 2)
    assert parts.backend.decode(marked, skip_special_tokens=True) == "a<tool>"
    assert (parts.ends, parts.template, parts.prefix) == (frozenset({count + 1}), "{{ messages }}", [])


@pytest.mark.parametrize(("name", "whole"), [("llama-bpe", True), ("tekken", True), ("qwen2", False)])
def test_a_word_that_is_a_token(tmp_path: Path, name: str, whole: bool) -> None:
    tokens = ["a", "b", "c", "bc", "abc"]

    def add(writer: GGUFWriter) -> None:
        add_tokenizer(writer, "gpt2", tokens, [TokenType.NORMAL] * 5, name, ["b c"], None, {})

    backend = read_tokenizer(write_model(tmp_path / "model.gguf", tokenizer=add)).backend
    assert backend.encode("abc").tokens == (["abc"] if whole else ["a", "bc"])


@pytest.mark.parametrize(
    ("name", "fields", "begins"),
    [
        ("llama-bpe", {}, True),
        ("llama-bpe", {"add_bos_token": False}, False),
        ("qwen2", {}, False),
        ("qwen2", {"add_bos_token": True}, True),
    ],
)
def test_begin_of_a_raw_text(tmp_path: Path, name: str, fields: dict[str, Any], begins: bool) -> None:
    path = tmp_path / "model.gguf"
    special = {"<s>": TokenType.CONTROL}
    bos = byte_level(path, name, special, {}).get_vocab_size()
    byte_level(path, name, special, {**fields, "bos_token_id": bos})
    parts = read_tokenizer(path)
    assert (parts.prefix, parts.bos) == ([bos] if begins else [], "<s>")


@pytest.mark.parametrize(
    ("names", "fields", "expected"),
    [
        (["<|eot_id|>", "<|eom_id|>", "<|start_header_id|>"], {}, {"<|eot_id|>", "<|eom_id|>"}),
        (["<|end|>", "<|return|>", "<|call|>"], {}, {"<|return|>", "<|call|>"}),
        (["<bye>", "<over>"], {"eos_token_id": 0, "eot_token_id": 1}, {"<bye>", "<over>"}),
    ],
)
def test_ends(tmp_path: Path, names: list[str], fields: dict[str, int], expected: set[str]) -> None:
    path = tmp_path / "model.gguf"
    special = dict.fromkeys(names, TokenType.CONTROL)
    count = byte_level(path, "qwen2", special, {}).get_vocab_size()
    byte_level(path, "qwen2", special, {key: count + value for key, value in fields.items()})
    parts = read_tokenizer(path)
    assert {parts.backend.id_to_token(token) for token in parts.ends} == expected


def sentence_piece(path: Path, fields: dict[str, Any]) -> list[str]:
    pieces = ["▁", "a", "b", "c", "ab", "▁a", "▁ab", "bc", "abc"]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, *[TokenType.BYTE] * 256]
    kinds += [TokenType.NORMAL] * len(pieces)
    # "bc" is better than "ab"; "▁ab" follows from "▁a" alone.
    scores = {"bc": -1.0, "▁a": -2.0, "ab": -3.0, "▁ab": -4.0, "abc": -5.0}
    values = [scores.get(token, -100.0) for token in tokens]
    numbers = {"bos_token_id": 1, "eos_token_id": 2, "unknown_token_id": 0, **fields}
    write_model(
        path, tokenizer=lambda writer: add_tokenizer(writer, "llama", tokens, kinds, None, None, values, numbers)
    )
    return tokens


def test_sentence_piece(tmp_path: Path) -> None:
    tokens = sentence_piece(tmp_path / "model.gguf", {})
    parts = read_tokenizer(tmp_path / "model.gguf")

    def pieces(text: str) -> list[str]:
        return [tokens[token] for token in parts.backend.encode(text, add_special_tokens=False).ids]

    assert pieces("abc ab") == ["▁a", "bc", "▁ab"]
    assert pieces("b</s>é") == ["▁", "b", "</s>", "▁", "<0xC3>", "<0xA9>"]
    assert parts.backend.decode(parts.backend.encode("abc é ab").ids) == "abc é ab"
    assert (parts.prefix, parts.ends) == ([1], frozenset({2}))


def test_sentence_piece_without_a_first_space(tmp_path: Path) -> None:
    tokens = sentence_piece(tmp_path / "model.gguf", {"add_space_prefix": False})
    parts = read_tokenizer(tmp_path / "model.gguf")
    ids = parts.backend.encode("abc", add_special_tokens=False).ids
    assert [tokens[token] for token in ids] == ["abc"]
    assert parts.backend.decode(ids) == "abc"


def test_refused_by_name(tmp_path: Path) -> None:
    def add(writer: GGUFWriter) -> None:
        add_tokenizer(writer, "gpt2", ["a"], [TokenType.NORMAL], "kimi-k2", [], None, {})

    with pytest.raises(StartError, match=r"pre-tokenizer 'kimi-k2' is not supported; supported: default, llama-bpe"):
        read_tokenizer(write_model(tmp_path / "model.gguf", tokenizer=add))
    with pytest.raises(StartError, match="tokenizer '' is not supported"):
        read_tokenizer(write_model(tmp_path / "model.gguf"))
