"""`python -m xim_engine_ipex TASK [HANDLER]`: the worker of one service. HANDLER: file of its own handler."""

import sys

from xim_worker import Handlers, serve_engine


def _handlers(task: str) -> Handlers:
    """Each task imports only the modules that it needs."""
    if task == "generateImage":
        from .generate_image import GenerateImage

        return {"calls": {task: GenerateImage()}}
    if task == "generate":
        from .generate import Generate

        return {"steps": {task: Generate()}}
    if task == "embed":
        from xim_embedding.handler import EmbedHandler

        from .embed import TorchEncoder

        return {"batches": {task: EmbedHandler(TorchEncoder)}}
    if task == "rerank":
        from xim_embedding.rerank import RerankHandler

        from .embed import TorchEncoder
        from .language_reranker import TorchLanguageReranker
        from .rerank import TorchPairEncoder

        return {"batches": {task: RerankHandler(TorchPairEncoder, TorchEncoder, TorchLanguageReranker)}}
    return {}


serve_engine("ipex", sys.argv[1:], _handlers)
