"""How many tokens a prompt has, and how many the model reads."""

from __future__ import annotations

import copy
import inspect
from typing import Any

from diffusers import DiffusionPipeline
from xim_worker import InvalidInput


class PromptLength:
    """The text encoders of a pipeline cut long prompts without a word; here such a prompt is refused."""

    def __init__(self, pipeline: DiffusionPipeline) -> None:
        defaults = inspect.signature(pipeline.__call__).parameters
        sequence = defaults["max_sequence_length"].default if "max_sequence_length" in defaults else None
        self._tokenizers: list[tuple[Any, int]] = []
        for suffix in ("", "_2", "_3"):
            tokenizer = getattr(pipeline, f"tokenizer{suffix}", None)
            if tokenizer is not None and getattr(pipeline, f"text_encoder{suffix}", None) is not None:
                is_clip = "CLIP" in type(tokenizer).__name__
                most = tokenizer.model_max_length if is_clip or sequence is None else sequence
                # A tokenizer keeps settings of its last call: this one is never a pipeline's.
                self._tokenizers.append((copy.deepcopy(tokenizer), int(most)))

    def count(self, text: str) -> int:
        """Tokens of the first text encoder, marks of begin and end included; 0 for an empty text."""
        if not text or not self._tokenizers:
            return 0
        return len(self._tokenizers[0][0](text).input_ids)

    def check(self, text: str, param: str) -> None:
        """Raises InvalidInput where every text encoder would cut the text."""
        lengths = [(len(tokenizer(text).input_ids), most) for tokenizer, most in self._tokenizers]
        if not lengths or any(length <= most for length, most in lengths):
            return
        length, most = max(lengths, key=lambda one: one[1])
        raise InvalidInput(
            f"{param} has {length} tokens and this model reads {most}: make it shorter.",
            param,
            "XIM_CONTEXT_LENGTH_EXCEEDED",
        )
