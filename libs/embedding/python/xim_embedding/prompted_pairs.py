"""Pairs in the prompt of Qwen3-Reranker, a language model that answers whether a document fits a query.

Source of the prompt and of the default instruction: https://huggingface.co/Qwen/Qwen3-Reranker-0.6B
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tokenizers import Encoding, Tokenizer
from xim_worker import StartError

from .pairs import Halves, Pair, PairTokens
from .sentence_model import read_object

PROMPT, NO_PROMPT = "qwen3-reranker", "none"
PROMPT_KEY = "reranker_prompt"
"""The key of config.json that names the prompt of a sequence classification."""

_SYSTEM = (
    "Judge whether the Document meets the requirements based on the Query and the Instruct provided. "
    'Note that the answer can only be "yes" or "no".'
)
_BEFORE = f"<|im_start|>system\n{_SYSTEM}<|im_end|>\n<|im_start|>user\n"
_AFTER = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
_INSTRUCTION = "Given a web search query, retrieve relevant passages that answer the query"


class PromptedPairs(PairTokens):
    """Pairs in the prompt; a pair that is too long loses tokens of its document, and the prompt stays whole."""

    takes_instruction = True

    def __init__(self, tokenizer: Tokenizer, context_length: int) -> None:
        before, after = (tokenizer.encode(text, add_special_tokens=False) for text in (_BEFORE, _AFTER))
        self._before: list[int] = before.ids
        self._after: list[int] = after.ids
        super().__init__(tokenizer, context_length)

    def _count_special(self) -> int:
        return len(self._before) + len(self._after)

    def _encode_halves(
        self, queries: Sequence[str], documents: Sequence[str], instruction: str | None
    ) -> Iterator[Halves]:
        """Tokenises query and document as one text: a token may hold the space before the document's first word."""
        heads = [f"<Instruct>: {instruction or _INSTRUCTION}\n<Query>: {query}\n<Document>: " for query in queries]
        texts = [head + document for head, document in zip(heads, documents, strict=True)]
        for head, encoded in zip(heads, self._encode(texts), strict=True):
            size = sum(stop <= len(head) for _, stop in encoded.offsets)
            query: list[int] = encoded.ids[:size]
            encoded.truncate(len(encoded) - size, direction="left")
            yield Halves(size, encoded, partial(self._enclose, query, encoded))

    def _enclose(self, query: list[int], document: Encoding) -> Pair:
        tokens = [*self._before, *query, *document.ids, *self._after]
        return Pair(tokens, [0] * len(tokens))


def read_prompt(folder: Path, options: Mapping[str, Any]) -> str | None:
    """The name of the model's prompt: the profile's option `prompt`, else `reranker_prompt` of config.json.

    None if neither is there. Raises StartError for a prompt that is not known.
    """
    prompt = options.get("prompt", read_object(folder / "config.json").get(PROMPT_KEY))
    if prompt not in (None, PROMPT, NO_PROMPT):
        raise StartError(f"the reranker has the prompt {prompt!r}; known are {PROMPT}, {NO_PROMPT}", permanent=True)
    return None if prompt is None else str(prompt)
