"""The reference engine's worker: every task, without mathematics. Standard library only."""
