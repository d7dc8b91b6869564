"""Tokenizers of a few hundred tokens, of the two kinds that language models have."""

from __future__ import annotations

import functools
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from xim_generation.chat import tokenizer as chat

TEXTS = [
    "The sea is a vast body of water.",
    "user assistant system tool",
    '{"name": "weather", "arguments": {}}',
    "im_end",
]
SPECIALS = ("<|im_start|>", "<|im_end|>", "<|eot_id|>", "[INST]", "[TOOL_CALLS]", "<|python_tag|>", "<think>")


@functools.cache
def _trained() -> str:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=400, show_progress=False, initial_alphabet=alphabet)
    )
    text: str = backend.to_str()
    return text


def byte_level(specials: tuple[str, ...] = SPECIALS, added: tuple[str, ...] = (), **options: Any) -> Tokenizer:
    backend = Tokenizer.from_str(_trained())
    backend.add_special_tokens([AddedToken(text, special=True, normalized=False, **options) for text in specials])
    backend.add_tokens([AddedToken(text, special=False, normalized=False) for text in added])
    return backend


def sentence_piece(specials: tuple[str, ...] = SPECIALS, metaspace: bool = False) -> Tokenizer:
    """Like Llama 2: `▁` for a space, one `▁` before the text, single bytes for text outside the vocabulary."""
    words = ["▁The", "▁sea", "▁a", "e", "a", "s", "t", "▁", "o", "f", "<", "|", ">", "_", "i", "m", "n", "d", "\n", "é"]
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    merges = [("▁", "a")]
    vocabulary = {name: number for number, name in enumerate(names)}
    backend = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if metaspace:
        backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        last = [decoders.Metaspace(prepend_scheme="first")]
    else:
        backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        last = []
    first = [] if metaspace else [decoders.Replace("▁", " ")]
    strip = [] if metaspace else [decoders.Strip(" ", 1, 0)]
    backend.decoder = decoders.Sequence([*first, decoders.ByteFallback(), decoders.Fuse(), *strip, *last])
    backend.add_special_tokens(
        [AddedToken(text, special=True, normalized=False) for text in ("<s>", "</s>", *specials)]
    )
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return backend


def to_tokenizer(backend: Tokenizer, template: str | None = None, end: str = "<|im_end|>") -> chat.Tokenizer:
    ends = frozenset([backend.token_to_id(end)])
    return chat.Tokenizer(backend, template=template, ends=ends, bos="<s>", eos=end)
