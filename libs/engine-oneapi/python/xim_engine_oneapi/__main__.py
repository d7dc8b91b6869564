"""`python -m xim_engine_oneapi TASK [HANDLER]`: the worker of one service. HANDLER: file of its own handler."""

import sys

from xim_worker import Handlers, serve_engine


def _handlers(task: str) -> Handlers:
    """Each task imports only the modules that it needs."""
    if task == "generate":
        from .generate import Generate

        return {"steps": {task: Generate()}}
    if task == "embed":
        from xim_embedding.handler import EmbedHandler

        from .embed import OpenVINOEncoder

        return {"batches": {task: EmbedHandler(OpenVINOEncoder)}}
    if task == "rerank":
        from xim_embedding.rerank import RerankHandler

        from .embed import OpenVINOEncoder

        return {"batches": {task: RerankHandler(OpenVINOEncoder, OpenVINOEncoder)}}
    if task == "transcribe":
        from xim_transcription.handler import TranscribeHandler

        from .transcribe import open_models

        return {"calls": {task: TranscribeHandler(open_models)}}
    if task == "speak":
        from xim_speech.handler import SpeakHandler

        from .speak import open_synthesizer

        return {"calls": {task: SpeakHandler(open_synthesizer)}}
    return {}


serve_engine("oneapi", sys.argv[1:], _handlers)
