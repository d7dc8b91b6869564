"""Prompts: a model's tokenizer, its chat template, and the dialect in which it writes tool calls and thoughts."""
