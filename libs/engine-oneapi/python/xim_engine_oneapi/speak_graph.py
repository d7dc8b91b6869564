"""The changes in the graph of a VITS voice before its compilation.

VITS (https://arxiv.org/abs/2106.06103) draws noise twice, for the durations and for the spectrogram, and rounds every
phoneme's duration up to whole frames. As exported, the noise comes from the runtime and cannot be repeated, and the
rounding makes fast speech longer than its speed says. Every length of a spectrogram is another shape, for which
OpenVINO makes its kernels anew; for a short sentence that takes longer than the sound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import openvino as ov
from openvino import opset13 as ops

PACE = "pace"
"""An added input: durations are multiplied by this number, after the rounding as in training."""
NOISES = ("noise.durations", "noise.spectrogram")
"""Added inputs: standard normal numbers `[1, channels, length]`, used again from the start where the graph
wants more than `length`."""


STEP = 32
"""Frames of a spectrogram come in multiples of this number; those behind the last are masked."""


def prepare_vits(model: ov.Model) -> tuple[int, int]:
    """Adds the inputs, and an output with the number of frames behind the samples; gives the channels of the noises.

    The samples are those of a multiple of `STEP` frames.

    Raises ValueError for a graph that does not look like VITS.
    """
    operations = model.get_ops()
    rounded = [operation for operation in operations if operation.get_type_name() == "Ceiling"]
    drawn = [operation for operation in operations if last_name(operation).startswith("RandomNormalLike")]
    if len(rounded) != 1 or len(drawn) != 2:
        raise ValueError(
            f"it rounds {len(rounded)} times and draws noise {len(drawn)} times; expected once for the durations, and "
            "one draw each for durations and spectrogram"
        )
    _pad_frames(operations, rounded[0])
    pace = ops.parameter([], np.float32, PACE)
    frames = _set_pace(rounded[0], pace)
    # The noise of the durations is drawn before them, and the other after.
    drawn.sort(key=lambda operation: _depends_on(operation, rounded[0]))
    noises = [_feed_noise(operation, name) for operation, name in zip(drawn, NOISES, strict=True)]
    model.add_parameters([pace, *noises])
    for parameter, name in zip([pace, *noises], (PACE, *NOISES), strict=True):
        parameter.output(0).get_tensor().set_names({name})
    model.add_results([ops.result(frames)])
    model.validate_nodes_and_infer_types()
    if any(operation.get_type_name().startswith("Random") for operation in model.get_ordered_ops()):
        raise ValueError("it draws random numbers in other places too")
    durations, spectrogram = (int(noise.get_partial_shape()[1].get_length()) for noise in noises)
    return durations, spectrogram


def _pad_frames(operations: Sequence[ov.Node], rounded: ov.Node) -> None:
    """Rounds up the length of the mask of the frames, from which the graph takes the length of everything behind it."""
    ranges = [
        operation
        for operation in operations
        if operation.get_type_name() == "Range"
        and operation.input_value(1).get_node().get_type_name() == "ReduceMax"
        and _depends_on(operation, rounded)
    ]
    if len(ranges) != 1:
        raise ValueError(f"it makes {len(ranges)} masks from the durations; expected one, of the frames")
    limit = ranges[0].input_value(1)
    step, rest = (ops.constant(number, limit.get_element_type()) for number in (STEP, STEP - 1))
    padded = ops.multiply(ops.divide(ops.add(limit, rest), step), step)
    ranges[0].input(1).replace_source_output(padded.output(0))


def _set_pace(rounded: ov.Node, pace: ov.Node) -> ov.Node:
    """Ends of phonemes are rounded, not durations, so that the whole is as long as the pace says. Gives its frames."""
    consumers = list(rounded.output(0).get_target_inputs())
    ends = ops.round(ops.cum_sum(ops.multiply(rounded, pace), ops.constant(2, np.int64)), "half_to_even")
    starts = ops.slice(
        ops.concat([ops.constant(np.zeros((1, 1, 1), np.float32)), ends], 2),
        ops.constant([0], np.int64),
        ops.constant([-1], np.int64),
        ops.constant([1], np.int64),
        ops.constant([2], np.int64),
    )
    durations = ops.subtract(ends, starts)
    for consumer in consumers:
        consumer.replace_source_output(durations.output(0))
    return ops.reduce_max(ends, ops.constant([0, 1, 2], np.int64))


def _feed_noise(drawn: ov.Node, name: str) -> ov.Node:
    channels = drawn.get_output_partial_shape(0)[1].get_length()
    noise = ops.parameter([1, channels, -1], np.float32, name)
    axis = ops.constant(2, np.int64)
    zero = ops.constant(0, np.int64)
    wanted = ops.gather(ops.convert(wanted_shape(drawn), np.int64), axis, zero)
    given = ops.gather(ops.shape_of(noise, "i64"), axis, zero)
    places = ops.floor_mod(ops.range(zero, wanted, ops.constant(1, np.int64), "i64"), given)
    fed = ops.gather(noise, places, axis)
    for consumer in list(drawn.output(0).get_target_inputs()):
        consumer.replace_source_output(fed.output(0))
    return noise


def wanted_shape(drawn: ov.Node) -> ov.Output:
    """The shape that the graph asks its random numbers for."""
    # The nearest draw first: what is further up belongs to other random numbers.
    waiting, seen = deque([drawn]), {drawn.get_name()}
    while waiting:
        node = waiting.popleft()
        if node.get_type_name() == "RandomUniform":
            return node.input_value(0)
        for source in (value.get_node() for value in node.input_values()):
            if source.get_name() not in seen:
                seen.add(source.get_name())
                waiting.append(source)
    raise ValueError(f"{drawn.get_friendly_name()} draws nothing")


def _depends_on(node: ov.Node, other: ov.Node) -> bool:
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current.get_name() == other.get_name():
            return True
        if current.get_name() not in seen:
            seen.add(current.get_name())
            waiting += [source.get_node() for source in current.input_values()]
    return False


def last_name(operation: ov.Node) -> str:
    name: str = operation.get_friendly_name()
    return name.rsplit("/", 1)[-1]
