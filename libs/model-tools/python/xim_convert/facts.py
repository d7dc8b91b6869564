"""The facts about a model in models.json, read from the published files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .errors import ConvertError
from .sentence_model import read_json, read_sentence_model

_POSITIONS_AFTER_PADDING = {
    *("roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer"),
    *("data2vec-text", "ibert", "xmod"),
}
_WITHOUT_POSITIONS = ("t5", "mt5")

_RERANKERS = ("cross-encoder", "yes-no")


def to_shape(kind: str, folder: Path, config: Any) -> dict[str, Any]:
    """The numbers from which memory is computed. `config`: the model's, as Transformers names its members.

    `kind` is a task, or of a reranker its kind.
    """
    if kind != "generate":
        width: int = config.hidden_size
        return {
            "contextLength": longest_text(folder, config),
            "layers": config.num_hidden_layers,
            "dimensions": width if kind in _RERANKERS else read_sentence_model(folder).dimensions(width),
        }
    heads = config.num_attention_heads
    return {
        "contextLength": config.max_position_embeddings,
        "layers": config.num_hidden_layers,
        "kvHeads": getattr(config, "num_key_value_heads", None) or heads,
        "headDim": getattr(config, "head_dim", None) or config.hidden_size // heads,
    }


def to_options(kind: str, folder: Path) -> dict[str, Any]:
    """Options of the profile: the scoring of a reranker, and which pooling a model for embeddings was trained with.

    Several at once have no option: they, and what follows pooling, are read from the folder's own files.
    """
    if kind == "generate":
        return {}
    if kind in _RERANKERS:
        return {"scoring": "cross-encoder"}
    poolings = read_sentence_model(folder).poolings
    scoring = {"scoring": kind} if kind == "similarity" else {}
    return {**scoring, **({"pooling": poolings[0]} if len(poolings) == 1 else {}), "normalize": True}


def expect_causal(config: Any) -> None:
    """Raises ConvertError for a model whose tokens attend to later ones, such as EmbeddingGemma."""
    # Other values mean pictures, not texts.
    if getattr(config, "use_bidirectional_attention", False) is True:
        raise ConvertError(
            "the model attends to later tokens too (use_bidirectional_attention), so it writes no texts; a model for "
            "embeddings is converted with --task embed"
        )


def longest_text(folder: Path, config: Any) -> int:
    """In tokens; the positions of RoBERTa and its kin begin after the padding token's number.

    T5 has distances in place of positions; `n_positions` is the length it was trained on.
    """
    asked = read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    if config.model_type in _WITHOUT_POSITIONS:
        limits = asked, getattr(config, "n_positions", None)
        return min((limit for limit in limits if limit), default=512)
    positions: int = config.max_position_embeddings
    if config.model_type in _POSITIONS_AFTER_PADDING:
        positions -= (1 if config.pad_token_id is None else config.pad_token_id) + 1
    return min(asked or positions, positions)
