"""Quantises the linear layers of a folder of Transformers to FP8, one scale per row, as compressed-tensors does.

usage: python quantise_fp8.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

folder = Path(sys.argv[1])
tensors = load_file(folder / "model.safetensors")
largest = torch.finfo(torch.float8_e4m3fn).max
for name in [name for name in tensors if name.endswith("_proj.weight")]:
    weight = tensors[name].float()
    scale = weight.abs().amax(1, keepdim=True) / largest
    tensors[name] = (weight / scale).to(torch.float8_e4m3fn)
    tensors[f"{name}_scale"] = scale
save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
config = json.loads((folder / "config.json").read_text())
weights = {"num_bits": 8, "type": "float", "strategy": "channel", "symmetric": True}
config["quantization_config"] = {
    "quant_method": "compressed-tensors",
    "format": "float-quantized",
    "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}},
}
(folder / "config.json").write_text(json.dumps(config))
