"""usage: python -m xim_convert openvino TASK WEIGHTS FOLDER OUTPUT
       python -m xim_convert ctranslate2 transcribe WEIGHTS FOLDER OUTPUT
       python -m xim_convert xft generate WEIGHTS FOLDER OUTPUT
       python -m xim_convert safetensors FILE OUTPUT

Each line of standard output is a JSON object: `{"step": "…"}` when work goes on to something else, and at the end
`{"result": {…}}` with exit code 0, or `{"error": "…"}`, a sentence, with exit code 1. What libraries print goes to
standard error.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from .errors import ConvertError


def main(arguments: list[str]) -> int:
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def tell(**event: Any) -> None:
        print(json.dumps(event), file=events)

    try:
        result = _run(arguments, lambda step: tell(step=step))
    except ConvertError as error:
        tell(error=str(error))
        return 1
    tell(result=result)
    return 0


def _run(arguments: list[str], say: Any) -> dict[str, Any]:
    # Imported here: each needs wheels that the other does not.
    if arguments[0] == "openvino":
        from .openvino_ir import to_openvino

        task, weights, folder, output = arguments[1:]
        return to_openvino(task, weights, Path(folder), Path(output), say)
    if arguments[0] == "ctranslate2":
        from .whisper import to_ctranslate2

        _, weights, folder, output = arguments[1:]
        return to_ctranslate2(weights, Path(folder), Path(output), say)
    if arguments[0] == "xft":
        from .xft import to_xft

        _, weights, folder, output = arguments[1:]
        return to_xft(weights, Path(folder), Path(output), say)
    from .pickled import to_safetensors

    file, output = arguments[1:]
    return to_safetensors(Path(file), Path(output), say)


sys.exit(main(sys.argv[1:]))
