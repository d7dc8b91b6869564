"""The large networks of a pipeline on OpenVINO: the denoiser and the decoder of latents, converted at the start."""

from __future__ import annotations

import gc
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np
import openvino as ov
import torch
from openvino import opset13 as ops

_TOLERANCE = {torch.float32: 0.002, torch.bfloat16: 0.05}
"""Difference from PyTorch's result, relative to its spread."""

Arguments = dict[str, Any]
Requests = tuple[ov.InferRequest | None, ov.InferRequest]
"""Of the angles, where they are apart, and of the network."""
Path = tuple[str, ...]
"""Name of a tensor among the arguments of a call: of the argument and, where that is a dict, of its entry."""


class Unsupported(Exception):
    """Raised for a network that PyTorch computes as before."""


@dataclass(frozen=True)
class Call:
    """The first call of a network in a run of its pipeline."""

    arguments: Arguments
    result: torch.Tensor
    is_tuple: bool


@contextmanager
def recording(modules: Mapping[str, torch.nn.Module]) -> Iterator[dict[str, Call]]:
    """Notes the first call of each module."""
    calls: dict[str, Call] = {}

    def watch(name: str, module: torch.nn.Module) -> None:
        forward, signature = module.forward, inspect.signature(module.forward)

        def watched(*args: Any, **kwargs: Any) -> Any:
            result = forward(*args, **kwargs)
            if name not in calls:
                is_tuple = isinstance(result, tuple)
                found = result[0] if is_tuple else result
                calls[name] = Call(dict(signature.bind(*args, **kwargs).arguments), found.clone(), is_tuple)
            return result

        module.forward = watched

    for name, module in modules.items():
        watch(name, module)
    try:
        yield calls
    finally:
        for module in modules.values():
            del module.forward


def accelerate(
    modules: Mapping[str, torch.nn.Module],
    calls: Sequence[Mapping[str, Call]],
    *,
    threads: int,
    requests: int,
    dtype: torch.dtype,
    say: Callable[[str], None],
) -> list[str]:
    """Has OpenVINO compute these modules. Returns the names of those that it computes.

    `calls`: of two runs with other sizes. A network is made from the first one and compared in the second one; a
    network that cannot be converted, or that differs, stays on PyTorch, and `say` gets the reason. `requests` calls run
    at the same time and divide the threads.
    """
    done = []
    for name, module in modules.items():
        try:
            for recorded in calls:
                if name not in recorded:
                    raise Unsupported("its pipeline does not call it")
            first, second = (recorded[name] for recorded in calls)
            network = Network(module, first, threads=threads, requests=requests, dtype=dtype)
            network.check(second)
        except Unsupported as reason:
            say(f"{name} stays on PyTorch: {reason}")
            continue
        # The module stays as it is: its weights are those of the compiled network, which does not own them.
        module.forward = network
        done.append(name)
    gc.collect()
    return done


class Network:
    """A module that OpenVINO computes, called as the module is."""

    def __init__(
        self, module: torch.nn.Module, example: Call, *, threads: int, requests: int, dtype: torch.dtype
    ) -> None:
        tensors, self._rest = _split(example.arguments)
        self._signature = inspect.signature(module.forward)
        self._paths = sorted(tensors)
        self._is_tuple, self._dtype = example.is_tuple, example.result.dtype
        flat = _Flat(module, self._paths, {path: tensor.dtype for path, tensor in tensors.items()}, self._rest)
        inputs = tuple(_to_input(tensors[path]) for path in self._paths)
        try:
            with torch.inference_mode(), warnings.catch_warnings():
                # Of branches that depend on a size: the second sample shows whether that matters.
                warnings.simplefilter("ignore")
                model = ov.convert_model(flat, example_input=inputs)
            self._angles = None if dtype == torch.float32 else _cut_angles(model)
            settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": requests, "ENABLE_CPU_PINNING": False}
            core = ov.Core()
            compiled = core.compile_model(model, "CPU", {**settings, **_precision(dtype)})
            angles = self._angles and core.compile_model(self._angles, "CPU", {**settings, **_precision(torch.float32)})
        except Exception as error:
            raise Unsupported(f"OpenVINO does not convert it ({_first_line(error)})") from error
        self._free: SimpleQueue[Requests] = SimpleQueue()
        for _ in range(requests):
            self._free.put((angles and angles.create_infer_request(), compiled.create_infer_request()))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tensors, rest = _split(dict(self._signature.bind(*args, **kwargs).arguments))
        if sorted(tensors) != self._paths or rest != self._rest:
            raise TypeError(
                f"the network was made for {self._paths} and {self._rest}, not {sorted(tensors)} and {rest}"
            )
        result = self._compute(tensors)
        return (result,) if self._is_tuple else result

    def check(self, call: Call) -> None:
        """Raises Unsupported where the result is not that of PyTorch."""
        try:
            found = self._compute(_split(call.arguments)[0]).float()
        except RuntimeError as error:
            raise Unsupported(f"OpenVINO does not compute it ({_first_line(error)})") from error
        expected = call.result.float()
        if found.shape != expected.shape:
            raise Unsupported(f"OpenVINO computes {tuple(found.shape)} instead of {tuple(expected.shape)}")
        difference = float((found - expected).norm() / (expected - expected.mean()).norm())
        if not difference <= _TOLERANCE[self._dtype]:
            raise Unsupported(f"OpenVINO's result differs by {difference:.3f}")

    def _compute(self, tensors: Mapping[Path, torch.Tensor]) -> torch.Tensor:
        inputs = [_to_input(tensors[path]).numpy() for path in self._paths]
        requests = self._free.get()
        try:
            angles, request = requests
            if angles is not None:
                inputs += list(angles.infer(inputs, share_inputs=True, share_outputs=True).values())
            found: np.ndarray[Any, Any] = request.infer(inputs, share_inputs=True)[0]
        finally:
            self._free.put(requests)
        return torch.from_numpy(found).to(self._dtype)


class _Flat(torch.nn.Module):  # type: ignore[misc]
    """The module with its tensors as a list."""

    def __init__(
        self, module: torch.nn.Module, paths: Sequence[Path], dtypes: Mapping[Path, torch.dtype], rest: Arguments
    ) -> None:
        super().__init__()
        self._module, self._paths, self._dtypes, self._rest = module, paths, dtypes, rest

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        arguments: Arguments = dict(self._rest)
        for path, tensor in zip(self._paths, tensors, strict=True):
            given = tensor.to(self._dtypes[path])
            if len(path) == 1:
                arguments[path[0]] = given
            else:
                arguments[path[0]] = {**arguments.get(path[0], {}), path[1]: given}
        result = self._module(**arguments)
        found: torch.Tensor = result[0] if isinstance(result, tuple) else result
        return found.float()


def _cut_angles(model: ov.Model) -> ov.Model | None:
    """Cuts the sines and cosines off a model: they become its last inputs, and the outputs of the model returned.

    Times and positions are multiplied to angles, of which bf16 keeps the first three digits.
    """
    nodes = [node for node in model.get_ordered_ops() if node.get_type_name() in ("Sin", "Cos")]
    if not nodes:
        return None
    inputs = [ops.parameter(node.get_output_partial_shape(0), node.get_output_element_type(0)) for node in nodes]
    for node, parameter in zip(nodes, inputs, strict=True):
        for target in node.output(0).get_target_inputs():
            target.replace_source_output(parameter.output(0))
    angles = ov.Model([ops.result(node) for node in nodes], model.get_parameters(), "angles").clone()
    model.add_parameters(inputs)
    model.validate_nodes_and_infer_types()
    return angles


def _precision(dtype: torch.dtype) -> dict[str, str]:
    return {"INFERENCE_PRECISION_HINT": "f32" if dtype == torch.float32 else "bf16"}


def _split(arguments: Arguments) -> tuple[dict[Path, torch.Tensor], Arguments]:
    """The tensors, and all else that says something."""
    tensors: dict[Path, torch.Tensor] = {}
    rest: Arguments = {}
    for name, value in arguments.items():
        if isinstance(value, torch.Tensor):
            tensors[name,] = value
        elif isinstance(value, dict) and value and all(isinstance(entry, torch.Tensor) for entry in value.values()):
            tensors |= {(name, key): entry for key, entry in value.items()}
        elif value is not None and value != {}:
            rest[name] = value
    return tensors, rest


def _to_input(tensor: torch.Tensor) -> torch.Tensor:
    """numpy has no bf16."""
    return (tensor.float() if tensor.is_floating_point() else tensor).contiguous()


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
