"""The scores of a language model that answers "yes" or "no", such as Qwen3-Reranker."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer
from xim_worker import Context, StartError

from .cross_encoder import CrossEncoder
from .encoder import Floats
from .pairs import PairTokens
from .prompted_pairs import PromptedPairs
from .sentence_model import read_modules, read_object


class YesNo(CrossEncoder):
    """A BatchHandler whose encoder gives the logits `[rows, vocabulary]` of the token after each pair.

    The score is logit(yes) - logit(no): the log-odds of "yes" where "no" is the only other answer
    (https://huggingface.co/Qwen/Qwen3-Reranker-0.6B).
    """

    def _open_pairs(self, tokenizer: Tokenizer, context: Context) -> PairTokens:
        yes, no = (tokenizer.token_to_id(word) for word in ("yes", "no"))
        if yes is None or no is None:
            raise StartError('the tokenizer has no tokens "yes" and "no", by which the model answers', permanent=True)
        asked = _read_answers(Path(context.model_path))
        if asked not in (None, (yes, no)):
            raise StartError(
                f'the model answers by the tokens {asked[0]} and {asked[1]}, not by "yes" ({yes}) and "no" ({no}); '
                "only the prompt and the answers of Qwen3-Reranker are known here",
                permanent=True,
            )
        self._yes, self._no = int(yes), int(no)
        return PromptedPairs(tokenizer, self._most_tokens)

    def _to_scores(self, logits: Floats) -> Floats:
        if logits.ndim != 2 or logits.shape[1] <= max(self._yes, self._no):
            raise ValueError(f"the model gives {list(logits.shape)} numbers, which the tokenizer's tokens do not fit")
        return logits[:, self._yes] - logits[:, self._no]


def _read_answers(folder: Path) -> tuple[int | None, int | None] | None:
    """The ids of the tokens for a relevant and an irrelevant document, by the module LogitScore; None without it."""
    for kind, path in read_modules(folder):
        if kind == "LogitScore":
            config = read_object(path / "config.json")
            return config.get("true_token_id"), config.get("false_token_id")
    return None
