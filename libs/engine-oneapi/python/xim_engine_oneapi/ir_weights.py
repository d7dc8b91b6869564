"""The weights of the layers of a model in OpenVINO IR, by the names of the modules that it was exported from.

OpenVINO's frontend for PyTorch names an operation `__module.<module>/aten::<operator>/<type>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov
from xim_transcription.models import Floats

# What stands between a constant and its use: weights in fewer bits, and changes of the shape.
_UNPACKING = frozenset(["Constant", "Convert", "Subtract", "Multiply", "Reshape", "Transpose", "Squeeze", "Unsqueeze"])
_EPSILON = 1e-5


@dataclass(frozen=True)
class Layer:
    """`weight` times the input plus `bias`; of a layer norm, both by element."""

    weight: Floats
    bias: Floats

    def scaled(self, factor: float) -> Layer:
        return Layer(np.float32(factor) * self.weight, np.float32(factor) * self.bias)


@dataclass(frozen=True)
class Found:
    """A layer in the graph: its weight, if it has one, and constants that multiply or are added to its result."""

    weight: ov.Output | None
    is_transposed: bool
    then: Sequence[tuple[str, ov.Output]]


class IRWeights:
    def __init__(self, path: Path, first: str, size: int) -> None:
        """`first`: the name of a module at the top, which tells the names of those around it. `size`: of the states.

        Raises ValueError where no operation has such a name.
        """
        self._path = path
        self._size = size
        self._core = ov.Core()
        self._model = self._core.read_model(path)
        self._nodes: dict[str, list[ov.Node]] = {}
        for node in self._model.get_ordered_ops():
            module, _, operator = node.get_friendly_name().partition("/")
            if operator:
                self._nodes.setdefault(module, []).append(node)
        found = [match for module in self._nodes if (match := re.fullmatch(rf"__module\.(.*\.)?{first}", module))]
        if not found:
            raise self._unknown(first)
        self._prefix = f"__module.{found[0][1] or ''}"
        self._read: set[str] = set()
        self.is_float32 = all(
            node.get_element_type() == ov.Type.f32 for node in self._constants() if node.get_element_type().is_real()
        )

    def linear(self, module: str) -> Found:
        return self._product(self._of(module, "MatMul"))

    def output_layer(self) -> Found:
        """The product that gives the scores of the tokens."""
        node = self._model.output("logits").get_node().input_value(0).get_node()
        if node.get_type_name() != "MatMul":
            raise self._unknown("the output")
        return self._product(node)

    def convolution(self, module: str) -> Found:
        node = self._of(module, "Convolution")
        return Found(node.input_value(1), False, self._then(node))

    def layer_norm(self, module: str) -> Found:
        node = self._of(module, "MVN")
        if abs(node.get_attributes()["eps"] / _EPSILON - 1) > 0.01:
            raise self._unknown(f"{module}, whose epsilon is not {_EPSILON},")
        return Found(None, False, self._then(node))

    def table(self, module: str) -> Floats:
        """The rows of an embedding, `[rows, size]`."""
        (values,) = self._fold([self._of(module, "Gather").input_value(0)])
        return values

    def positions(self) -> Floats:
        """The embeddings of the positions, `[positions, size]`: a table, or a constant that is added to all rows."""
        if f"{self._prefix}embed_positions" in self._nodes:
            return self.table("embed_positions")
        for node in self._model.get_ops():
            if node.get_type_name() != "Add":
                continue
            for value in node.input_values():
                shape = value.get_partial_shape()
                if _is_constant(value) and shape.rank.get_length() > 1 and list(shape)[-2] != 1:
                    (values,) = self._fold([value])
                    return values.reshape(-1, self._size)
        raise self._unknown("embed_positions")

    def attention_scale(self, module: str, head_size: int) -> float:
        """The factor of the products of queries and keys in the operation of attention itself."""
        nodes = self._nodes.get(f"{self._prefix}{module}", [])
        node = next((node for node in nodes if node.get_type_name() == "ScaledDotProductAttention"), None)
        if node is None:
            return 1.0
        if node.get_input_size() < 5:
            return float(head_size**-0.5)
        (scale,) = self._fold([node.input_value(4)])
        return float(scale.reshape(-1)[0])

    def read(self, layers: Sequence[Found]) -> list[Layer]:
        outputs = [
            output
            for layer in layers
            for output in (*([] if layer.weight is None else [layer.weight]), *(value for _, value in layer.then))
        ]
        values = iter(self._fold(outputs))
        return [_compute(layer, values, self._size) for layer in layers]

    def expect_all_read(self) -> None:
        """Raises ValueError where the graph has other weights than those that were read."""
        for node in self._constants():
            name = node.get_friendly_name()
            if (
                np.prod(node.get_output_shape(0)) >= self._size
                and node.get_element_type().is_real()
                and name not in self._read
            ):
                raise self._unknown(f"the weight {name}, which Whisper does not have,")

    def _constants(self) -> list[ov.Node]:
        return [node for node in self._model.get_ops() if node.get_type_name() == "Constant"]

    def _of(self, module: str, kind: str) -> ov.Node:
        nodes = self._nodes.get(f"{self._prefix}{module}", [])
        found = [node for node in nodes if node.get_type_name() == kind]
        if len(found) != 1:
            raise self._unknown(module)
        return found[0]

    def _product(self, node: ov.Node) -> Found:
        return Found(node.input_value(1), not node.get_attributes()["transpose_b"], self._then(node))

    def _then(self, node: ov.Node) -> list[tuple[str, ov.Output]]:
        found: list[tuple[str, ov.Output]] = []
        while True:
            targets = list(node.output(0).get_target_inputs())
            if len(targets) != 1:
                return found
            node = targets[0].get_node()
            if node.get_type_name() not in ("Multiply", "Add"):
                return found
            other = node.input_value(1 - targets[0].get_index())
            if not _is_constant(other):
                return found
            found.append((node.get_type_name(), other))

    def _fold(self, outputs: Sequence[ov.Output]) -> list[Floats]:
        """The values of constants, unpacked by OpenVINO."""
        waiting = [output.get_node() for output in outputs]
        while waiting:
            node = waiting.pop()
            self._read.add(node.get_friendly_name())
            waiting += [value.get_node() for value in node.input_values()]
        model = ov.Model(list(outputs), [])
        compiled = self._core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        results = compiled([])
        return [np.array(results[number], np.float32) for number in range(len(outputs))]

    def _unknown(self, name: str) -> ValueError:
        return ValueError(
            f"{self._path} does not have the layers of Whisper as optimum-intel exports them: {name} is not understood"
        )


def _compute(layer: Found, values: Iterator[Floats], norm_size: int) -> Layer:
    weight = None if layer.weight is None else next(values)
    if weight is not None and layer.is_transposed:
        weight = weight.T
    steps = [(kind, next(values).reshape(-1)) for kind, _ in layer.then]
    size = norm_size if weight is None else len(weight)
    scale, bias = np.ones(size, np.float32), np.zeros(size, np.float32)
    for kind, step in steps:
        if kind == "Add":
            bias = bias + step
        else:
            scale, bias = scale * step, bias * step
    if weight is None:
        return Layer(scale, bias)
    return Layer(weight * scale.reshape(-1, *[1] * (weight.ndim - 1)), bias)


def _is_constant(output: ov.Output) -> bool:
    node = output.get_node()
    return node.get_type_name() in _UNPACKING and all(_is_constant(value) for value in node.input_values())
