"""A prompt's tokens: by the model's chat template for a conversation, by its tokenizer for a text, or as given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import openvino as ov
import openvino_genai as genai
from xim_worker import InvalidInput

from .conversation import Conversation
from .vocabulary import Vocabulary


@dataclass(frozen=True)
class Reading:
    """`thinks`: the output may begin with a thought; `inside`: the prompt has begun it already."""

    tokens: list[int]
    text: str
    thinks: bool = False
    inside: bool = False


class PromptReader:
    """`longest`: tokens at which the library's tokenizer cuts every text without a word; such a prompt is refused."""

    def __init__(self, tokenizer: genai.Tokenizer, vocabulary: Vocabulary, context_length: int) -> None:
        self._tokenizer = tokenizer
        self.longest = self._count("a b " * context_length)
        self._vocabulary = vocabulary
        self._conversation = Conversation(tokenizer, set(vocabulary.raw))

    def read(
        self, prompt: dict[str, Any], tools: list[dict[str, Any]], effort: str | None = None, answer_only: bool = False
    ) -> Reading:
        """At least one token; raises InvalidInput. `answer_only`: the output begins with the answer, not a thought."""
        if "messages" in prompt:
            reading = self._to_reading(prompt, tools, effort, answer_only)
        elif effort not in (None, "none"):
            message = "Only the answer to a conversation can be reasoned about; leave the reasoning effort out."
            raise InvalidInput(message, "reasoningEffort", "XIM_UNSUPPORTED_PARAMETER")
        elif "tokens" in prompt:
            tokens = self._checked(prompt["tokens"])
            reading = Reading(
                tokens, b"".join(self._vocabulary.raw[token] for token in tokens).decode(errors="replace")
            )
        else:
            reading = Reading(self._encode(prompt["text"], add_special_tokens=True), prompt["text"])
        if not reading.tokens:
            raise InvalidInput("The prompt is empty; expected at least one token.", "prompt")
        return reading

    def _to_reading(
        self, prompt: dict[str, Any], tools: list[dict[str, Any]], effort: str | None, answer_only: bool
    ) -> Reading:
        thinks = self._conversation.thinks
        if answer_only and effort is None and self._conversation.can_skip_thinking:
            effort = "none"
        text = self._conversation.to_text(prompt["messages"], tools, effort)
        inside = thinks and text.rstrip().endswith("<think>")
        if inside and answer_only:
            text, inside = text.rstrip() + "\n\n</think>\n\n", False
        # The template has written the special tokens already.
        tokens = self._encode(text, add_special_tokens=False)
        return Reading(tokens, text, thinks and not answer_only, inside)

    def _encode(self, text: str, add_special_tokens: bool) -> list[int]:
        if not text:
            return []
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidInput("The prompt holds half a character (a lone surrogate).", "prompt") from None
        tokens: list[int] = self._ids(text, add_special_tokens).data[0].tolist()
        if len(tokens) >= self.longest:
            raise InvalidInput(
                f"This model's maximum context length is {self.longest} tokens. However, your request has at least as "
                "many input tokens. Shorten the prompt.",
                "prompt",
                "XIM_CONTEXT_LENGTH_EXCEEDED",
            )
        return tokens

    def _ids(self, text: str, add_special_tokens: bool) -> ov.Tensor:
        return self._tokenizer.encode(text, add_special_tokens=add_special_tokens).input_ids

    def _count(self, text: str) -> int:
        return int(self._ids(text, add_special_tokens=False).shape[1])

    def _checked(self, tokens: list[int]) -> list[int]:
        if not all(0 <= token < len(self._vocabulary) for token in tokens):
            most = len(self._vocabulary) - 1
            raise InvalidInput(f"A token is outside the model's vocabulary; expected 0 to {most}.", "prompt")
        return tokens
