"""The tokenizer of all tasks: a token is one of a few whole words, with or without a space before it, or a byte."""

from __future__ import annotations

import tokenizers
from tokenizers import decoders, models, pre_tokenizers
from xim_generation.chat.tokenizer import Tokenizer

WORDS = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("a", "and", "are", "as", "at", "be", "but", "by", "can", "do", "for", "from", "go", "good", "has", "have", "he"),
    *("her", "his", "how", "in", "is", "it", "like", "my", "new", "no", "not", "now", "of", "on", "or", "out", "rose"),
    *("sea", "she", "so", "that", "the", "they", "this", "time", "to", "up", "was", "we", "well", "what", "who"),
    *("will", "with", "word", "you"),
)
END, ANSWER = "<|end|>", "<|assistant|>"
_MARKS = (END, ANSWER, "<|system|>", "<|user|>", "<|tool|>", "<|tools|>")

# The comment tells the runtime that an answer may begin with a thought.
TEMPLATE = (
    "{# <think> #}"
    "{% if tools %}<|tools|>{% for tool in tools %}{{ tool.function.name }} {% endfor %}{% endif %}"
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{% endfor %}"
    f"{ANSWER}"
)


def echo_tokenizer() -> Tokenizer:
    """Bytes are numbered as in GPT-2: a printable ASCII character is its code less 33. Words and marks come after."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    # "Ġ" is the space of byte-level tokenizers.
    names = [*letters, *(space + word for word in WORDS for space in ("", "Ġ") if space + word not in letters)]
    # Without merges: what the pre-tokenizer cuts off is a token as a whole, or its bytes are.
    vocabulary = {name: token for token, name in enumerate(names)}
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, [], ignore_merges=True))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(_MARKS))
    return Tokenizer(backend, template=TEMPLATE, ends=frozenset([backend.token_to_id(END)]), bos=None, eos=END)
