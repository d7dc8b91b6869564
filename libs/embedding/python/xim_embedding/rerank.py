"""The task `rerank`: by a cross-encoder, by a language model or by a model for embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xim_worker import Context, Info, Item, RerankInput, RerankResult, StartError

from .cross_encoder import CrossEncoder
from .encoder import Encoder, PairEncoder
from .sentence_model import read_modules, read_object
from .similarity import Similarity
from .yes_no import YesNo

_CLASSIFIER = "ForSequenceClassification"
_LANGUAGE_MODEL = "ForCausalLM"
_YES_NO = "Qwen3ForCausalLM"


class RerankHandler:
    """A BatchHandler that passes each call to the handler of the model's scoring; `load` chooses it."""

    parallel = 1
    """The value of the encoder; set by `load`."""

    def __init__(
        self,
        open_pair_encoder: Callable[[Context], PairEncoder],
        open_encoder: Callable[[Context], Encoder],
        open_language_model: Callable[[Context], PairEncoder] | None = None,
    ) -> None:
        """`open_language_model` opens a model whose logits are those of the token after each pair."""
        self._scorings: dict[str, Callable[[], CrossEncoder | Similarity]] = {
            "cross-encoder": lambda: CrossEncoder(open_pair_encoder),
            "yes-no": lambda: _to_yes_no(open_language_model),
            "similarity": lambda: Similarity(open_encoder),
        }

    def load(self, context: Context) -> Info:
        """Loads the model. Raises StartError."""
        scoring = context.options.get("scoring") or read_scoring(Path(context.model_path), context.options)
        if scoring not in self._scorings:
            raise StartError(f'scoring is "{scoring}"; known are {", ".join(self._scorings)}', permanent=True)
        self._handler = self._scorings[scoring]()
        info = self._handler.load(context)
        self.parallel = self._handler.parallel
        return info

    def prepare(self, request: RerankInput) -> Iterator[Item]:
        return self._handler.prepare(request)

    def run(self, items: Sequence[Item]) -> Sequence[Any]:
        return self._handler.run(items)

    def finish(self, request: RerankInput, items: Sequence[Item], results: Sequence[Any]) -> RerankResult:
        return self._handler.finish(request, items, results)


def read_scoring(folder: Path, options: Mapping[str, Any]) -> str:
    """The scoring by the `architectures` of config.json.

    A sequence classification, or a folder that names no architecture, is a cross-encoder. A language model without a
    pooling answers "yes" or "no" if it is of the architecture of Qwen3-Reranker. Raises StartError for any other
    language model without a pooling, whose prompt and answers are not known.
    """
    names = read_object(folder / "config.json").get("architectures") or []
    if not isinstance(names, list):
        raise StartError(f"config.json has the architectures {names!r}; expected a list", permanent=True)
    if not names or any(str(name).endswith(_CLASSIFIER) for name in names):
        return "cross-encoder"
    has_pooling = "pooling" in options or any(kind == "Pooling" for kind, _ in read_modules(folder))
    if has_pooling or not any(str(name).endswith(_LANGUAGE_MODEL) for name in names):
        return "similarity"
    if _YES_NO in names:
        return "yes-no"
    raise StartError(
        f"the model is a language model ({', '.join(map(str, names))}) without a pooling; a reranker is a sequence "
        f"classification, a model for embeddings, or a {_YES_NO} that answers as Qwen3-Reranker. Another language "
        "model that was trained with the prompt of Qwen3-Reranker has the profile's option scoring: yes-no",
        permanent=True,
    )


def _to_yes_no(open_language_model: Callable[[Context], PairEncoder] | None) -> YesNo:
    if open_language_model is not None:
        return YesNo(open_language_model)
    raise StartError(
        "the model is a language model that answers yes or no, which this engine does not compute; it computes the "
        "converted model: npx xim-models convert models.json --task rerank --from MODEL, where MODEL has safetensors",
        permanent=True,
    )
