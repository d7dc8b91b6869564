"""`python -m xim_engine_ipex TASK [HANDLER]`: the worker of one service.

HANDLER is a file with the service's own handler.
"""

import sys

from xim_worker import serve, serve_file

task, *own = sys.argv[1:]
# Each task imports only what it needs.
if own:
    serve_file(own[0], task)
elif task == "generateImage":
    from .generate_image import GenerateImage

    serve(calls={"generateImage": GenerateImage()})
elif task == "generate":
    from .generate import Generate

    serve(steps={"generate": Generate()})
elif task == "embed":
    from xim_embedding.handler import EmbedHandler

    from .embed import TorchEncoder

    serve(batches={"embed": EmbedHandler(TorchEncoder)})
elif task == "rerank":
    from xim_embedding.rerank import RerankHandler

    from .rerank import TorchPairEncoder

    serve(batches={"rerank": RerankHandler(TorchPairEncoder)})
else:
    sys.exit(f"xim_engine_ipex has no handler for the task {task}")
