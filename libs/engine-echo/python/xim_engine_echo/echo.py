"""Which token the echo of a prompt wants next, and the logits that say so."""

from __future__ import annotations

import json
import string

import numpy as np
from xim_generation.chat.tokenizer import Tokenizer
from xim_generation.runner import Floats

from .tokenizer import ANSWER, END

NEXT, SECOND, LAST, STEP = 70.0, 50.0, 30.0, 20.0
"""Logits of the echo's next token, of the token after it for where the next one is forbidden, and of the end for where
both are. All are far below 100, the greatest bias. A step of 20 decides at the temperature 1 (e^-20)."""

UNSURE = "*"
"""Where the echo has this character, all small letters are nearly as probable: sampling chooses one of them."""

_SHAPES = '{["<'
_FIRST = (END, "}", "]", '"', ",", "1", "t")


class EchoVocabulary:
    """The tokens that echoes ask about."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.end, self.answer = tokenizer.added[END], tokenizer.added[ANSWER]
        (self.unsure,) = tokenizer.encode(UNSURE, special=False)
        self.letters = self._of(string.ascii_lowercase)
        self.shapes = self._of(_SHAPES)
        """JSON and calls begin with one of these."""
        self.free = np.zeros(len(tokenizer), np.float32)
        """[vocabulary] logits below those of an echo."""
        self.free[self.end] = LAST
        # What ends a value goes before what goes on, then all tokens by their numbers: no choice is left to chance.
        first = self._of(_FIRST)
        order = [*first, *(token for token in range(len(tokenizer)) if token not in first)]
        self.shaped = np.empty(len(order), np.float32)
        """[vocabulary] logits below those of an echo inside JSON, where a grammar allows only some tokens."""
        self.shaped[order] = SECOND - STEP * np.arange(1, len(order) + 1)

    def _of(self, texts: str | tuple[str, ...]) -> list[int]:
        return [token for text in texts for token in self.tokenizer.encode(text, special=False)]


class Echo:
    """One sequence's answer, and how far it has been said.

    The answer to a conversation is its last message, the answer to any other prompt all of it. An answer that departs
    from that by the beginning of JSON or of a call has a grammar: from there on every text in it is the echo.
    """

    def __init__(self, prompt: list[int], vocabulary: EchoVocabulary) -> None:
        self._vocabulary = vocabulary
        if prompt[-1] == vocabulary.answer:
            marks = vocabulary.tokenizer.specials
            begin = next((at for at in range(len(prompt) - 2, -1, -1) if prompt[at] in marks), -1)
            prompt = prompt[begin + 1 : -1]
        self._echo = prompt
        self._tokens = [*prompt, vocabulary.end]
        self._at = 0
        self._in_json = False

    def take(self, token: int) -> None:
        """`token` was said."""
        vocabulary = self._vocabulary
        following = self._tokens[self._at : self._at + 2]
        if token == following[0] or (following[0] == vocabulary.unsure and token in vocabulary.letters):
            self._at += 1
        elif token in following and not self._in_json:
            self._at += 2
        else:
            self._at = 0
            if token in vocabulary.shapes and not self._in_json:
                self._in_json = True
                text = json.dumps(vocabulary.tokenizer.to_text(self._echo), ensure_ascii=False)
                # Without the quotation mark that begins a text: a grammar writes it.
                self._tokens = vocabulary.tokenizer.encode(text[1:], special=False)
        if self._at == len(self._tokens):
            # What goes on after the end begins anew.
            self._at = 0

    def write(self, row: Floats) -> None:
        """Writes the logits [vocabulary] of the next token into a row that is a copy of `EchoVocabulary.free`."""
        following = self._tokens[self._at : self._at + 2]
        if self._in_json:
            row[:] = self._vocabulary.shaped
        else:
            row[following[-1]] = SECOND
        if following[0] == self._vocabulary.unsure:
            row[self._vocabulary.letters] = NEXT - 1
        row[following[0]] = NEXT
