"""GGUF files as OpenVINO graphs with paged attention: exact weights, no reading by OpenVINO GenAI."""

from .graph import build_model
from .header import GgufHeader, read_header
from .tokenizer import TokenizerParts, read_tokenizer

__all__ = ["GgufHeader", "TokenizerParts", "build_model", "read_header", "read_tokenizer"]
