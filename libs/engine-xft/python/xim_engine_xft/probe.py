"""`python -m xim_engine_xft.probe DTYPE KV_DTYPE`: calls that may end the process run in a child first.

The library's import and its kernels use instructions without asking for them (SIGILL), and its kernels leave with
code 255 on a CPU whose vendor is not GenuineIntel. So a model of one layer computes one prompt here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from xim_worker import StartError

_SECONDS = 300
_HIDDEN, _HEADS, _INNER, _VOCABULARY = 256, 4, 512, 512

_CONFIG = f"""[llama]
model_name = probe
head_num = {_HEADS}
kv_head_num = {_HEADS}
hidden_size = {_HIDDEN}
size_per_head = {_HIDDEN // _HEADS}
inter_size = {_INNER}
max_pos_seq_len = 64
num_layer = 1
layernorm_eps = 1e-6
layernorm_type = pre_layernorm
activation_type = silu
rope_theta = 10000
has_post_decoder_layernorm = 1
vocab_size = {_VOCABULARY}
start_id = 1
end_id = 2
weight_data_type = fp16
attn_params_type = GQAttnParams
ffn_params_type = LlamaFFNParams
"""

_SHAPES = {
    "wte": (_VOCABULARY, _HIDDEN),
    "lm_head.weight": (_VOCABULARY, _HIDDEN),
    "final_layernorm.weight": (_HIDDEN,),
    "layers.0.input_layernorm.weight": (_HIDDEN,),
    "layers.0.post_attention_layernorm.weight": (_HIDDEN,),
    "layers.0.attention.query_key_value.weight.0": (_HIDDEN, 3 * _HIDDEN),
    "layers.0.attention.dense.weight.0": (_HIDDEN, _HIDDEN),
    "layers.0.mlp.gate_proj.weight.0": (_HIDDEN, _INNER),
    "layers.0.mlp.up_proj.weight.0": (_HIDDEN, _INNER),
    "layers.0.mlp.down_proj.weight.0": (_INNER, _HIDDEN),
}


def probe(dtype: str, kv_dtype: str, environment: Mapping[str, str] | None = None) -> None:
    """Raises StartError, permanent, where the library cannot compute on this host. Takes some seconds."""
    if kv_dtype == "bf16":
        # The wheel has keys and values in bf16, and FP8, for DeepSeek only. This small Llama in bf16 takes its place.
        dtype, kv_dtype = "bf16", "fp16"
    command = [sys.executable, "-X", "faulthandler", "-m", "xim_engine_xft.probe", dtype, kv_dtype]
    settings = {**(os.environ if environment is None else environment)}
    try:
        run = subprocess.run(command, env=settings, capture_output=True, text=True, errors="replace", timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise StartError(f"xFasterTransformer did not compute a first token in {_SECONDS} s", permanent=False) from None
    if run.returncode != 0:
        words = [line for line in (run.stdout + run.stderr).replace("\r", "\n").splitlines() if line.strip()]
        raise StartError(to_message(run.returncode, words, dtype), permanent=True)


def to_message(code: int, words: list[str], dtype: str) -> str:
    """The meaning of the exit code of a probe; `words`: the lines of its output."""
    # After a signal faulthandler prints the innermost frame first, and a long list of modules at the end.
    frame = next((line for line in words if line.lstrip().startswith("File ")), words[-1] if words else "nothing")
    said = next((line for line in reversed(words) if _tells(line)), frame).strip()
    if code in (-signal.SIGILL, 128 + signal.SIGILL):
        why = f"it uses an instruction that this CPU lacks (SIGILL, dtype {dtype})"
        advice = "run the service with XIM_ENGINE=oneapi, or on an Intel Xeon of the 4th generation or later"
    elif code == 255:
        why = f"it left with code 255 ({said})"
        advice = "it wants a CPU of the vendor GenuineIntel and a dtype that it has; XIM_ENGINE=oneapi runs on others"
    elif code < 0:
        why = f"it was ended by {signal.Signals(-code).name} ({said})"
        advice = "run the service with XIM_ENGINE=oneapi"
    else:
        why = f"it ended with code {code} ({said})"
        advice = "install the engine's wheels as python/requirements.lock names them"
    return f"xFasterTransformer does not run on this host: {why}; {advice}"


def _tells(line: str) -> bool:
    return any(word in line for word in ("Error", "ERROR", "Must be", "nsupported", "not found", "cannot"))


def compute(dtype: str, kv_dtype: str) -> None:
    """Computes a prompt and a further token with a model whose weights are zero. May end the process."""
    import xfastertransformer

    with tempfile.TemporaryDirectory(prefix="xim-xft-") as name:
        folder = Path(name)
        (folder / "config.ini").write_text(_CONFIG)
        for tensor, shape in _SHAPES.items():
            np.zeros(shape, np.float16).tofile(folder / f"model.{tensor}.bin")
        model = xfastertransformer.AutoModel.from_pretrained(name, dtype=dtype, kv_cache_dtype=kv_dtype)
        # Two prompts of a width that matrix units take, then single tokens: other kernels.
        ids = model.set_input_cb([list(range(3, 35)), list(range(3, 35))], None, [40, 40]).tolist()
        model.forward_cb()
        model.set_input_cb([3, 4], ids)
        if not np.isfinite(model.forward_cb().numpy()).all():
            sys.exit("the probe's logits are not finite: the dtype does not work here")


if __name__ == "__main__":
    compute(*sys.argv[1:])
    # Its destructors may wait for other ranks.
    sys.stdout.flush()
    os._exit(0)
