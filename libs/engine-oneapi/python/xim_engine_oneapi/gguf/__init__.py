"""GGUF files as OpenVINO graphs with paged attention: exact weights, no reading by OpenVINO GenAI."""

from .graph import build_model
from .header import GgufHeader, read_header

__all__ = ["GgufHeader", "build_model", "read_header"]
