"""Fill in the middle: the text between a prefix and a suffix, for models trained on it.

Source: Bavarian et al. 2022, Efficient Training of Language Models to Fill in the Middle, section 3 (PSM). The marks
are those of the model cards of Qwen2.5-Coder and CodeGemma, StarCoder and Granite, SantaCoder, DeepSeek-Coder.
"""

from __future__ import annotations

from collections.abc import Container

_MARKS = (
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
)


def to_infill(prefix: str, suffix: str, added: Container[str]) -> str | None:
    """The prompt whose continuation is the middle. None if the added tokens include no marks for this task."""
    for before, between, after in _MARKS:
        if before in added and between in added and after in added:
            return f"{before}{prefix}{between}{suffix}{after}"
    return None
