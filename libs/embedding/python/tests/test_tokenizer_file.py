import json
from pathlib import Path

import pytest
from xim_embedding.tokenizer_file import open_tokenizer
from xim_worker import StartError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "tide", "##s", "The", "!"]


def folder_with(path: Path, words: list[str], config: dict[str, object]) -> Path:
    (path / "vocab.txt").write_text("\n".join(words), "utf8")
    (path / "tokenizer_config.json").write_text(json.dumps(config), "utf8")
    return path


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, ["[CLS]", "the", "tide", "##s", "!", "[UNK]", "[SEP]"]),
        ({"do_lower_case": False}, ["[CLS]", "The", "tide", "##s", "!", "[UNK]", "[SEP]"]),
        ({"cls_token": {"content": "[PAD]"}}, ["[PAD]", "the", "tide", "##s", "!", "[UNK]", "[SEP]"]),
    ],
)
def test_a_vocabulary_of_bert(tmp_path: Path, config: dict[str, object], expected: list[str]) -> None:
    assert open_tokenizer(folder_with(tmp_path, WORDS, config)).encode("The tides! moon").tokens == expected


@pytest.mark.parametrize(
    ("words", "config", "message"),
    [
        (WORDS, {"tokenizer_class": "MPNetTokenizer"}, "belongs to a MPNetTokenizer"),
        (WORDS[:2], {}, r"does not have the token \[CLS\]"),
        (WORDS, {"add_eos_token": True, "eos_token": "tide"}, "add_eos_token"),
    ],
)
def test_what_is_not_understood_is_refused(
    tmp_path: Path, words: list[str], config: dict[str, object], message: str
) -> None:
    with pytest.raises(StartError, match=message):
        open_tokenizer(folder_with(tmp_path, words, config))


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"expected tokenizer\.json"):
        open_tokenizer(tmp_path)
