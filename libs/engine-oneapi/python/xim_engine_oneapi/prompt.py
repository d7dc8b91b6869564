"""A prompt's tokens: by the model's chat template for a conversation, by its tokenizer for a text, or as given."""

from __future__ import annotations

from typing import Any

import openvino as ov
import openvino_genai as genai
from xim_worker import InvalidInput


class PromptReader:
    """`longest`: tokens at which the library's tokenizer cuts every text without a word; such a prompt is refused."""

    def __init__(self, tokenizer: genai.Tokenizer, vocabulary: int, context_length: int) -> None:
        self._tokenizer = tokenizer
        self.longest = self._count("a b " * context_length)
        self._vocabulary = vocabulary
        self._knows_developer = "developer" in tokenizer.chat_template

    def read(self, prompt: dict[str, Any]) -> list[int]:
        """The prompt's tokens, at least one; raises InvalidInput."""
        if "messages" in prompt:
            # The template has written the special tokens already.
            tokens = self._encode(self._to_text(prompt["messages"]), add_special_tokens=False)
        elif "tokens" in prompt:
            tokens = self._checked(prompt["tokens"])
        else:
            tokens = self._encode(prompt["text"], add_special_tokens=True)
        if not tokens:
            raise InvalidInput("The prompt is empty; expected at least one token.", "prompt")
        return tokens

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

    def _to_text(self, messages: list[dict[str, Any]]) -> str:
        if not messages:
            raise InvalidInput("The conversation is empty; expected at least one message.", "prompt.messages")
        history = [self._to_turn(message) for message in messages]
        try:
            text: str = self._tokenizer.apply_chat_template(history, add_generation_prompt=True)
        except UnicodeEncodeError:
            raise InvalidInput("A message holds half a character (a lone surrogate).", "prompt.messages") from None
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            message = f"The model's chat template does not take this conversation: {reason}"
            raise InvalidInput(message, "prompt.messages") from None
        return text

    def _to_turn(self, message: dict[str, Any]) -> dict[str, str]:
        role = message["role"]
        if role == "tool" or message.get("toolCalls"):
            raise InvalidInput(
                "The engine oneapi does not support tool calls in a conversation yet; leave them out.",
                "prompt.messages",
                "XIM_UNSUPPORTED_PARAMETER",
            )
        if role == "developer" and not self._knows_developer:
            role = "system"
        return {"role": role, "content": message.get("content") or ""}

    def _checked(self, tokens: list[int]) -> list[int]:
        if not all(0 <= token < self._vocabulary for token in tokens):
            raise InvalidInput(
                f"A token is outside the model's vocabulary; expected 0 to {self._vocabulary - 1}.", "prompt"
            )
        return tokens
