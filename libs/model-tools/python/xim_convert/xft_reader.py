"""Transformers' `Auto…` classes for the library's converters: configuration and tensors from the files.

The converters have Transformers load the model, and that runs Python of the model's repository. They need only
`vars(model.config)`, the names, and the tensors; so nothing of the repository is run and no model is built.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from .xft_files import SafeTensors, is_read
from .xft_kinds import Config, rope_scaling, rope_theta, sizes_of

_NAMES = ("AutoModel", "AutoModelForCausalLM", "AutoConfig")

_DEFAULTS = {
    # Every configuration of Transformers has these.
    "_name_or_path": "",
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
    # Those of ChatGLM.
    "rmsnorm": True,
    "post_layer_norm": True,
    "apply_residual_connection_post_layernorm": False,
    # DeepSeek-V3 as Transformers writes it: these are in its code.
    "topk_method": "noaux_tc",
    "scoring_func": "sigmoid",
}


@contextmanager
def reading_files(converter: object, config: Config, tensors: SafeTensors) -> Iterator[None]:
    """Within it the modules of `converter` have this reader in place of Transformers' classes."""
    modules = {sys.modules[base.__module__] for base in type(converter).__mro__ if base is not object}
    found = [(module, name, vars(module)[name]) for module in modules for name in _NAMES if name in vars(module)]
    configuration = _Configuration(config)
    for module, name, _ in found:
        of_model = name != "AutoConfig"
        setattr(module, name, _Auto(_Model(configuration, config, tensors) if of_model else configuration))
    try:
        yield
    finally:
        for module, name, value in found:
            setattr(module, name, value)


class _Configuration:
    def __init__(self, config: Config) -> None:
        vars(self).update({**_DEFAULTS, "rope_theta": rope_theta(config), **config})
        vars(self)["rope_scaling"] = rope_scaling(config)


class _Model:
    def __init__(self, configuration: _Configuration, config: Config, tensors: SafeTensors) -> None:
        self.config = configuration
        layers = sizes_of(config).layers
        self._names = [name for name in sorted(tensors.names) if is_read(name, layers)]
        self._tensors = tensors
        # As in Transformers, whatever the files have.
        self._dtype = torch.float32

    def to(self, dtype: torch.dtype) -> _Model:
        self._dtype = dtype
        return self

    def named_parameters(self) -> Iterator[tuple[str, torch.Tensor]]:
        return ((name, self._tensors(name)) for name in self._names)

    def state_dict(self) -> dict[str, torch.Tensor]:
        return {name: self._tensors(name).to(self._dtype) for name in self._names}


class _Auto:
    def __init__(self, made: _Model | _Configuration) -> None:
        self._made = made

    def from_pretrained(
        self, _folder: str | Path, torch_dtype: torch.dtype | None = None, **_: Any
    ) -> _Model | _Configuration:
        return self._made.to(torch_dtype) if torch_dtype and isinstance(self._made, _Model) else self._made
