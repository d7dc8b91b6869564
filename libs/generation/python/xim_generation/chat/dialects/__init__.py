"""Dialects: how families of models write tool calls and thoughts. Standard library only."""

from .choose import DIALECTS, choose_dialect, find_dialect
from .dialect import CallForm, Dialect

__all__ = ["DIALECTS", "CallForm", "Dialect", "choose_dialect", "find_dialect"]
