"""A model's output as events: characters out of tokens, stop texts, reasoning, tool calls. Standard library only."""
