"""`python -m xim_engine_oneapi TASK [HANDLER]`: the worker of one service. HANDLER: file of its own handler."""

import sys

from xim_worker import serve, serve_file

task, *own = sys.argv[1:]
# Each task imports only the modules that it needs.
if own:
    serve_file(own[0], task)
elif task == "generate":
    from .generate import Generate

    serve(steps={"generate": Generate()})
elif task == "embed":
    from xim_embedding.handler import EmbedHandler

    from .embed import OpenVINOEncoder

    serve(batches={"embed": EmbedHandler(OpenVINOEncoder)})
elif task == "rerank":
    from xim_embedding.rerank import RerankHandler

    from .embed import OpenVINOEncoder

    serve(batches={"rerank": RerankHandler(OpenVINOEncoder)})
elif task == "transcribe":
    from xim_transcription.handler import TranscribeHandler

    from .transcribe import open_models

    serve(calls={"transcribe": TranscribeHandler(open_models)})
elif task == "speak":
    from xim_speech.handler import SpeakHandler

    from .speak import OpenVINOSynthesizer

    serve(calls={"speak": SpeakHandler(OpenVINOSynthesizer)})
else:
    sys.exit(f"xim_engine_oneapi has no handler for the task {task}")
