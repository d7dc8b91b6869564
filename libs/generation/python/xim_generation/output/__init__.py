"""Converts a model's output to events: tokens to characters, stop texts, reasoning, tool calls. Standard library
only.
"""
