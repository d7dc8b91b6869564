"""usage: python tiny_rerankers.py FOLDER QUERY DOCUMENT…

Writes small random rerankers as Transformers saves them into `FOLDER/<kind>`, and prints the scores of the documents by
Transformers, in float32, as JSON: `{"cross-encoder": [number, …], "modern-bert": …, "language-model": …}`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3ForSequenceClassification,
)
from transformers.utils.logging import disable_progress_bar
from xim_embedding.prompted_pairs import PromptedPairs
from xim_worker import RerankInput

SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
}
WORDS = ["yes", "no", "<Instruct>: <Query>: <Document>:"]


def write(folder: Path, kind: str, texts: list[str]) -> tuple[Any, Tokenizer]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<s>", "<pad>", "</s>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*texts, *WORDS], trainer)
    tokenizer.add_tokens([word for word in ("yes", "no") if tokenizer.token_to_id(word) is None])
    is_bert = kind in ("cross-encoder", "two-labels")
    if is_bert or kind == "modern-bert":
        second = ":1" if is_bert else ""
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>",
            pair=f"<s> $A </s> $B{second} </s>{second}",
            special_tokens=[("<s>", 0), ("</s>", 2)],
        )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>").save_pretrained(folder / kind)
    sizes = {**SIZES, "vocab_size": tokenizer.get_vocab_size()}
    torch.manual_seed(0)
    model: Any
    if is_bert:
        labels = 2 if kind == "two-labels" else 1
        model = BertForSequenceClassification(BertConfig(**sizes, num_labels=labels, pad_token_id=1))
    elif kind == "modern-bert":
        # The second layer sees four tokens on each side.
        ids = {"bos_token_id": 0, "cls_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "sep_token_id": 2}
        windows = ModernBertConfig(**sizes, **ids, local_attention=8, classifier_pooling="mean", num_labels=1)
        model = ModernBertForSequenceClassification(windows)
    elif kind == "language-model":
        # As it is published: the padding stands in the tokenizer only, and the last layer is the table of tokens.
        tied = Qwen3Config(**sizes, num_key_value_heads=2, head_dim=8, tie_word_embeddings=True, pad_token_id=None)
        model = Qwen3ForCausalLM(tied)
    else:
        model = Qwen3ForSequenceClassification(
            Qwen3Config(**sizes, num_key_value_heads=2, head_dim=8, num_labels=1, pad_token_id=1)
        )
    model.eval().save_pretrained(folder / kind)
    return model, tokenizer


def main(folder: Path, query: str, documents: list[str]) -> None:
    disable_progress_bar()
    texts = [query, *documents]
    for kind in ("two-labels", "classification-without-prompt"):
        write(folder, kind, texts)
    scores: dict[str, list[float]] = {}
    with torch.inference_mode():
        for kind in ("cross-encoder", "modern-bert"):
            model, tokenizer = write(folder, kind, texts)
            pairs = [tokenizer.encode(query, document) for document in documents]
            segments = [{"token_type_ids": torch.tensor([pair.type_ids])} if "cross" in kind else {} for pair in pairs]
            scores[kind] = [
                float(model(torch.tensor([pair.ids]), **more).logits[0, 0])
                for pair, more in zip(pairs, segments, strict=True)
            ]
        model, tokenizer = write(folder, "language-model", texts)
        request: RerankInput = {"queries": [query], "documents": documents}
        prompts = [pair.tokens for pair in PromptedPairs(tokenizer, 512).read(request)]
        logits = [model(torch.tensor([tokens])).logits[0, -1] for tokens in prompts]
        yes, no = tokenizer.token_to_id("yes"), tokenizer.token_to_id("no")
        scores["language-model"] = [float(each[yes] - each[no]) for each in logits]
    print(json.dumps(scores))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
