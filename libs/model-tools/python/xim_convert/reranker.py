"""The kinds of rerankers, and the sequence classification that a language model becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from .errors import ConvertError
from .sentence_model import read_json

Kind = Literal["cross-encoder", "yes-no", "similarity"]

_YES_NO = "Qwen3ForCausalLM"
# As the service reads both from config.json.
_PROMPT_KEY, _PROMPT = "reranker_prompt", "qwen3-reranker"


def read_reranker(folder: Path, config: Any) -> Kind:
    """The kind of reranker that the service takes the model for; `config` is the model's, as Transformers reads it.

    Raises ConvertError for several labels, an unknown prompt, and a language model that does not answer yes or no.
    """
    names = config.architectures or []
    if any(name.endswith("ForSequenceClassification") for name in names):
        if config.num_labels != 1:
            raise ConvertError(
                f"the model has {config.num_labels} labels; a reranker has one, the relevance of the document"
            )
        if config.pad_token_id is None:
            raise ConvertError("config.json has no pad_token_id, by which a classification finds the last token")
        _expect_prompt(folder, config)
        return "cross-encoder"
    if not any(name.endswith("ForCausalLM") for name in names) or _has_pooling(folder):
        return "similarity"
    if _YES_NO not in names:
        raise ConvertError(
            f"the model is a language model ({', '.join(names)}) without a pooling; a reranker is a sequence "
            f"classification with one label, a model for embeddings, or a {_YES_NO} that answers as Qwen3-Reranker"
        )
    return "yes-no"


def to_classifier(folder: Path, output: Path) -> None:
    """Writes a language model that answers "yes" or "no" as a sequence classification with one label, in float32.

    Both give the same number: the logit of a token is the product of its row of the last layer with the last hidden
    state, so the difference of two logits is the product of the difference of their rows. Raises ConvertError if the
    model lacks the tokens or names others.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    yes, no = read_answers(folder, tokenizer)
    language = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    rows = language.get_output_embeddings().weight.detach()
    config = language.config
    # A classification finds the last token of a text by the padding after it.
    padding = config.pad_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    if padding is None:
        raise ConvertError("neither the tokenizer nor config.json names a padding token, which a classification needs")
    config.num_labels, config.pad_token_id, config.dtype = 1, padding, torch.float32
    setattr(config, _PROMPT_KEY, _PROMPT)
    with torch.device("meta"):
        classifier = AutoModelForSequenceClassification.from_config(config)
    setattr(classifier, classifier.base_model_prefix, language.base_model)
    classifier.score.weight = torch.nn.Parameter((rows[yes] - rows[no])[None])
    classifier.save_pretrained(output)


def read_answers(folder: Path, tokenizer: Any) -> tuple[int, int]:
    """The ids of the tokens "yes" and "no". Raises ConvertError if there are none or the model answers by others."""
    known = tokenizer.get_vocab()
    if "yes" not in known or "no" not in known:
        raise ConvertError('the tokenizer has no tokens "yes" and "no", by which the model answers')
    answers = known["yes"], known["no"]
    for module in read_json(folder / "modules.json") or []:
        if not str(module["type"]).endswith(".LogitScore"):
            continue
        config = read_json(folder / module.get("path", "") / "config.json")
        asked = config.get("true_token_id"), config.get("false_token_id")
        if asked != answers:
            raise ConvertError(
                f'the model answers by the tokens {asked[0]} and {asked[1]}, not by "yes" ({answers[0]}) and "no" '
                f"({answers[1]}); only the prompt and the answers of Qwen3-Reranker are known here"
            )
    return answers


def _expect_prompt(folder: Path, config: Any) -> None:
    if getattr(config, _PROMPT_KEY, None) is not None:
        return
    if AutoTokenizer.from_pretrained(folder, local_files_only=True).num_special_tokens_to_add(pair=True) == 0:
        raise ConvertError(
            "the tokenizer joins query and document without a token between them, so the model expects a prompt, and "
            f'its files name none. Write "{_PROMPT_KEY}" into config.json of a copy of yours: "{_PROMPT}" for a model '
            'made of Qwen3-Reranker, "none" for a model that was trained without a prompt'
        )


def _has_pooling(folder: Path) -> bool:
    modules = read_json(folder / "modules.json")
    if not modules:
        return (folder / "1_Pooling").is_dir()
    return any(str(module["type"]).endswith(".Pooling") for module in modules)
