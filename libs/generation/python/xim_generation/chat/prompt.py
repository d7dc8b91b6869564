"""A prompt's tokens: by the model's chat template for a conversation, by its tokenizer for a text, or as given."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from xim_worker import GenerateInput, InvalidInput, TokenizeInput, TokenizeResult
from xim_worker.tasks import PromptMessages

from ..output.text_tokens import to_text_tokens
from .conversation import MARKS_IN_WORDS, Conversation
from .dialects import choose_dialect, find_dialect
from .infill import to_infill
from .template import ChatTemplate
from .tokenizer import Tokenizer
from .tools import ToolUse, to_tool_use

_MARK = re.compile(r"<.+>|\[.+\]", re.DOTALL)


@dataclass(frozen=True)
class EncodedPrompt:
    tokens: list[int]
    text: str
    thinks: bool = False
    """The output may begin with a thought."""
    inside: bool = False
    """The prompt has already begun the thought."""
    strips: bool = False
    """The tokenizer writes a space before the output's first word; the space is not part of the text."""


class PromptReader:
    """`template` and `dialect` (a name) replace those of the model's files. May be used by several threads.

    Raises ValueError for a template that is not valid Jinja, and for an unknown dialect.
    """

    def __init__(
        self, tokenizer: Tokenizer, context_length: int, *, template: str | None = None, dialect: str | None = None
    ) -> None:
        self._tokenizer = tokenizer
        self._context_length = context_length
        self._longest = tokenizer.longest_text(context_length)
        plain = tokenizer.template if template is None else template
        with_tools = tokenizer.tool_template if template is None else template
        known = choose_dialect(with_tools or plain or "", tokenizer.added)
        self.dialect = known if dialect is None else find_dialect(dialect)
        tokenizer.keep_marks(self.dialect.marks)
        specials = {tokenizer.raw[token].decode() for token in tokenizer.specials}
        texts = "\n".join([plain or "", with_tools or "", *self.dialect.marks, *MARKS_IN_WORDS])
        # Added tokens that are not special can be forged too. The assistant's messages may contain marks: templates
        # search for `</think>` in the model's earlier output.
        self._marks = _to_pattern(
            specials | {text for text in tokenizer.added if text in texts and _MARK.fullmatch(text)}
        )
        self._assistant_marks = _to_pattern(specials - {*self.dialect.thought})
        self._conversations = {
            source: self._to_conversation(source) for source in {plain, with_tools} if source is not None
        }
        self._plain, self._with_tools = plain, with_tools

    def read(self, request: GenerateInput, use: ToolUse, *, answer_only: bool) -> EncodedPrompt:
        """At least one token; raises InvalidInput. `answer_only`: the output begins with the answer, not a thought.

        Refuses only texts that are certainly longer than the context; the caller compares the tokens with it.
        """
        prompt, effort, truncate = request["prompt"], request.get("reasoningEffort"), request.get("truncate")
        if "messages" in prompt:
            encoded = self._read_messages(prompt, use, effort, answer_only, truncate)
        elif effort not in (None, "none"):
            message = "A reasoning effort needs a conversation; leave it out, or send messages."
            raise InvalidInput(message, "reasoningEffort", "XIM_UNSUPPORTED_PARAMETER")
        elif "tokens" in prompt:
            tokens = self._checked(prompt["tokens"])
            encoded = EncodedPrompt(tokens, self._tokenizer.to_text(tokens))
        else:
            text = self._to_infill(prompt["text"], prompt.get("suffix"))
            self._refuse_longer(text, truncate)
            encoded = EncodedPrompt(self._tokenizer.encode(text, special=True), prompt["text"])
        if not encoded.tokens:
            raise InvalidInput("The prompt is empty; expected at least one token.", "prompt")
        if truncate is None or len(encoded.tokens) <= truncate:
            return encoded
        kept = encoded.tokens[-truncate:]
        return replace(encoded, tokens=kept, text=self._tokenizer.to_text(kept))

    def tokenize(self, request: TokenizeInput) -> TokenizeResult:
        """Answers the task `tokenize`."""
        tokens = self.read({"prompt": request["prompt"]}, to_tool_use(request["prompt"]), answer_only=False).tokens
        result, text = to_text_tokens(tokens, self._tokenizer.to_bytes(tokens))
        return {"type": "result", "tokens": result, "text": text}

    def _read_messages(
        self,
        prompt: PromptMessages,
        use: ToolUse,
        effort: str | None,
        answer_only: bool,
        truncate: int | None,
    ) -> EncodedPrompt:
        source = self._with_tools if use.shown else self._plain
        if source is None:
            message = (
                "This model has no chat template, so it accepts no conversation. Send a text, or use a chat model."
            )
            raise InvalidInput(message, "prompt.messages")
        conversation = self._conversations[source]
        variables, goes_on = prompt.get("templateVariables") or {}, prompt.get("continueLast") or False
        if answer_only and effort is None and conversation.can_skip_thinking and "enable_thinking" not in variables:
            effort = "none"
        text = conversation.to_text(
            prompt["messages"],
            use.shown,
            effort,
            None if truncate is not None else self._longest,
            variables=variables,
            begins=prompt.get("generationPrompt", not goes_on),
            goes_on=goes_on,
        )
        self._refuse_longer(text, truncate)
        begin, end = self.dialect.thought
        thinks, inside = conversation.thinks and not answer_only, conversation.thinks and text.rstrip().endswith(begin)
        if goes_on:
            said = str(prompt["messages"][-1]["content"])
            inside = conversation.thinks and said.rfind(begin) > said.rfind(end)
            thinks = inside
        elif inside and answer_only:
            text, inside = f"{text.rstrip()}\n\n{end}\n\n", False
        if answer_only and not use.required and not goes_on:
            text += self.dialect.answer
        # The template has already written the special tokens.
        tokens = self._tokenizer.encode(text, special=False)
        return EncodedPrompt(
            tokens,
            text.replace(self._tokenizer.gap, ""),
            thinks,
            inside,
            self._tokenizer.strips_first_space,
        )

    def _to_conversation(self, source: str) -> Conversation:
        tokenizer = self._tokenizer

        def guard(text: str, role: str) -> str:
            return tokenizer.guard(text, self._assistant_marks if role == "assistant" else self._marks)

        return Conversation(ChatTemplate(source), self.dialect, set(tokenizer.added), tokenizer.names, guard)

    def _to_infill(self, text: str, suffix: str | None) -> str:
        if not suffix:
            return text
        infill = to_infill(text, suffix, self._tokenizer.added)
        if infill is None:
            message = "This model's vocabulary has no tokens for fill in the middle. Leave the suffix out."
            raise InvalidInput(message, "prompt.suffix", "XIM_UNSUPPORTED_PARAMETER")
        return infill

    def _refuse_longer(self, text: str, truncate: int | None = None) -> None:
        if truncate is not None:
            return
        size = len(text) if self._longest is None or len(text) > self._longest else len(text.encode("utf-8", "replace"))
        if self._longest is not None and size > self._longest:
            raise InvalidInput(
                f"This model's maximum context length is {self._context_length} tokens. However, your request has a "
                "text that is longer than that many tokens can be. Shorten the prompt.",
                "prompt",
                "XIM_CONTEXT_LENGTH_EXCEEDED",
            )

    def _checked(self, tokens: list[int]) -> list[int]:
        if not all(0 <= token < len(self._tokenizer) for token in tokens):
            most = len(self._tokenizer) - 1
            raise InvalidInput(f"A token is outside the model's vocabulary; expected 0 to {most}.", "prompt")
        return tokens


def _to_pattern(marks: Iterable[str]) -> re.Pattern[str] | None:
    """Finds the first character of each mark, including marks inside other marks."""
    texts = sorted(filter(None, marks), key=len, reverse=True)
    return re.compile(f"(?={'|'.join(map(re.escape, texts))}).", re.DOTALL) if texts else None
