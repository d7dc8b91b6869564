from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from small_tokenizers import byte_level, sentence_piece, to_tokenizer
from tokenizers import Tokenizer as Backend
from tokenizers import decoders
from xim_generation.chat.token_bytes import TokenBytes
from xim_generation.chat.tokenizer import Tokenizer
from xim_worker import InvalidInput

KINDS = {
    "byte level": byte_level,
    "sentence piece": sentence_piece,
    "metaspace": lambda: sentence_piece(metaspace=True),
}


def random_text(seed: int) -> str:
    chance = random.Random(seed)
    letters = "abe  \n\tThe sea é日本😀👩‍👩‍👧ß\u0301\u200b\x00﷽"
    anything = [chr(chance.randrange(1, 0xD800)) for _ in range(8)] + [chr(chance.randrange(0xE000, 0x110000))]
    return "".join(chance.choice([*letters, *anything]) for _ in range(chance.randrange(1, 60)))


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("kind", KINDS)
def test_the_pieces_of_a_text_are_the_text(kind: str, seed: int) -> None:
    tokenizer = to_tokenizer(KINDS[kind]())
    # Metaspace drops a space at the beginning of a text.
    text = random_text(seed).lstrip(" ")
    joined = b"".join(tokenizer.pieces[token] for token in tokenizer.encode(text, special=False))
    assert joined.decode() == (" " if tokenizer.strips_first_space and text else "") + text


def test_special_tokens_have_a_name_and_no_text() -> None:
    tokenizer = to_tokenizer(byte_level(), "{{ tools }} <tool_call> <think>")
    ids = tokenizer.added
    assert tokenizer.raw[ids["<|im_end|>"]] == b"<|im_end|>"
    assert tokenizer.pieces[ids["<|im_end|>"]] == b""
    assert ids["<|im_end|>"] in tokenizer.specials
    # The dialect's parser has to see its marks.
    assert tokenizer.pieces[ids["<think>"]] == b"<think>"
    assert tokenizer.pieces[ids["[TOOL_CALLS]"]] == b""
    assert len(tokenizer) == len(tokenizer.raw) == len(tokenizer.pieces)


def test_a_raw_text_gets_the_tokenizer_s_own_special_tokens() -> None:
    tokenizer = to_tokenizer(sentence_piece())
    assert tokenizer.encode("a", special=True) == [1, *tokenizer.encode("a", special=False)]
    own = Tokenizer(byte_level(), template=None, ends=frozenset(), bos=None, eos=None, prefix=[7])
    assert own.encode("a", special=True) == [7, *own.encode("a", special=False)]
    assert own.encode("", special=True) == [7]


def test_half_a_character_is_refused() -> None:
    with pytest.raises(InvalidInput, match="lone surrogate"):
        to_tokenizer(byte_level()).encode("a\ud800", special=False)


def test_no_text_of_bytes_beyond_the_bound_fits() -> None:
    tokenizer = to_tokenizer(byte_level())
    longest = tokenizer.longest_text(3)
    assert longest == 3 * max(len(piece) for piece in tokenizer.raw)
    words = max(tokenizer.raw, key=len).decode()
    assert len(tokenizer.encode(words * 3, special=False)) == 3


def test_an_unknown_decoder_is_refused() -> None:
    backend = Backend.from_str(byte_level().to_str())
    backend.decoder = decoders.WordPiece()
    with pytest.raises(ValueError, match="decoder WordPiece; expected ByteLevel"):
        to_tokenizer(backend)
    with pytest.raises(ValueError, match="decoder none"):
        TokenBytes(None, {})


def write(folder: Path, **files: object) -> Path:
    byte_level().save(str(folder / "tokenizer.json"))
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def test_reads_what_lies_beside_the_tokenizer(tmp_path: Path) -> None:
    templates = [{"name": "default", "template": "plain"}, {"name": "tool_use", "template": "with {{ tools }}"}]
    folder = write(
        tmp_path,
        tokenizer_config__json={
            "chat_template": templates,
            "eos_token": {"content": "<|im_end|>"},
            "bos_token": "<|im_start|>",
            "add_bos_token": True,
        },
        generation_config__json={"eos_token_id": [3, 5]},
        config__json={"text_config": {"eos_token_id": 6}},
        special_tokens_map__json={"eos_token": "other", "pad_token": "<|eot_id|>"},
    )
    tokenizer = Tokenizer.from_folder(folder)
    assert (tokenizer.template, tokenizer.tool_template) == ("plain", "with {{ tools }}")
    assert tokenizer.ends == {3, 5, 6, tokenizer.added["<|im_end|>"]}
    assert tokenizer.names == {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|eot_id|>"}


def test_a_template_s_own_file_comes_first(tmp_path: Path) -> None:
    folder = write(
        tmp_path, tokenizer_config__json={"chat_template": "old"}, chat_template__json={"chat_template": "b"}
    )
    assert Tokenizer.from_folder(folder).template == "b"
    (folder / "chat_template.jinja").write_text("new\n")
    tokenizer = Tokenizer.from_folder(folder)
    assert (tokenizer.template, tokenizer.tool_template, tokenizer.ends) == ("new\n", "new\n", frozenset())


def test_all_files_but_the_tokenizer_may_be_missing(tmp_path: Path) -> None:
    assert Tokenizer.from_folder(write(tmp_path)).template is None
