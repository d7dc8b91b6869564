"""The scores of a cross-encoder: a transformer reads query and document together and gives one logit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from xim_worker import Context, Info, Item, RerankInput, RerankResult, StartError

from .batch_shape import to_batch
from .encoder import Floats, PairEncoder
from .pairs import Pair, PairTokens
from .prompted_pairs import NO_PROMPT, PROMPT, PROMPT_KEY, PromptedPairs, read_prompt
from .sentence_model import read_context_length, read_padding_token
from .tokenizer_file import open_tokenizer


class CrossEncoder:
    """A BatchHandler; the data of an item are a `Pair`.

    `load` calls `open_encoder`, which raises StartError. The score is the logit of the model's only label (`num_labels`
    1, trained with a logistic loss by CrossEncoder of Sentence Transformers).
    """

    parallel = 1
    """The value of the encoder; set by `load`."""

    def __init__(self, open_encoder: Callable[[Context], PairEncoder]) -> None:
        self._open_encoder = open_encoder

    def load(self, context: Context) -> Info:
        folder, most = Path(context.model_path), int(context.model["shape"]["contextLength"])
        context.progress("reading the tokenizer", None)
        tokenizer = open_tokenizer(folder)
        self._most_tokens = min(most, read_context_length(folder) or most)
        self._padding = read_padding_token(folder)
        self._pairs = self._open_pairs(tokenizer, context)
        self._encoder = self._open_encoder(context)
        self.parallel = self._encoder.parallel
        self._prove()
        runtime, dtype = self._encoder.describe()
        return Info(
            runtime=runtime,
            models=[context.model["id"]],
            dtype=dtype,
            slots=context.plan.slots,
            context_length=self._most_tokens,
        )

    def prepare(self, request: RerankInput) -> Iterator[Item]:
        for pair in self._pairs.read(request):
            yield Item(len(pair.tokens), pair)

    def run(self, items: Sequence[Item]) -> list[float]:
        pairs: list[Pair] = [item.data for item in items]
        ids, mask = to_batch(
            [pair.tokens for pair in pairs], self._most_tokens, self._padding, few_shapes=self._encoder.few_shapes
        )
        segments = np.zeros_like(ids)
        for row, pair in enumerate(pairs):
            segments[row, : len(pair.segments)] = pair.segments
        with self._encoder.forward(ids, mask, segments) as logits:
            return [float(score) for score in self._to_scores(logits)[: len(items)]]

    def finish(self, request: RerankInput, items: Sequence[Item], results: Sequence[float]) -> RerankResult:
        return {
            "type": "result",
            "scores": np.array(results, "<f4").tobytes(),
            "kind": "log-odds",
            "inputTokens": sum(item.size for item in items),
        }

    def _prove(self) -> None:
        """Runs a batch, so that a model that cannot run fails at the start and not in the first call.

        A classification without a padding token computes one pair, but not two.
        """
        try:
            scores = self.run(list(self.prepare({"queries": ["ready"], "documents": ["ready", "ready"]})))
        except ValueError as error:
            raise StartError(f"the model's files do not fit together: {error}", permanent=True) from error
        if not np.isfinite(scores).all():
            raise StartError(f"the model gives {scores[0]} for a pair; expected a finite number", permanent=True)

    def _open_pairs(self, tokenizer: Tokenizer, context: Context) -> PairTokens:
        prompt = read_prompt(Path(context.model_path), context.options)
        if prompt == PROMPT:
            return PromptedPairs(tokenizer, self._most_tokens)
        pairs = PairTokens(tokenizer, self._most_tokens)
        if prompt is None and pairs.special == 0:
            raise StartError(
                "the tokenizer joins query and document without a token between them, so the model expects a prompt, "
                f'and its files name none. Write "{PROMPT_KEY}" into config.json: "{PROMPT}" for a model made of '
                f'Qwen3-Reranker, "{NO_PROMPT}" for a model that was trained without a prompt',
                permanent=True,
            )
        return pairs

    def _to_scores(self, logits: Floats) -> Floats:
        """The scores `[rows]` of logits `[rows, labels]`. Raises ValueError for another number of labels."""
        if logits.ndim != 2 or logits.shape[1] != 1:
            raise ValueError(
                f"the model gives {list(logits.shape)} numbers for {len(logits)} pairs; a reranker gives one for each "
                "(a sequence classification with one label), a model for embeddings has scoring: similarity"
            )
        return logits[:, 0]
