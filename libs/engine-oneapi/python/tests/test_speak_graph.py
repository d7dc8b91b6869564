"""The changes in the graph of a voice, on the changed part of VITS in the form of the ONNX export."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from xim_engine_oneapi.speak_graph import NOISES, PACE, STEP, prepare_vits

DURATIONS = np.array([0.3, 2.5, 1.0, 0.0, 4.2], np.float32)
HOP = 4


def draw(shape: Any, name: str) -> ov.Node:
    """Normal numbers out of uniform ones (Box and Muller), as OpenVINO reads ONNX's RandomNormalLike."""
    one, zero = ops.constant(np.float32(1)), ops.constant(np.float32(0))
    radius = ops.random_uniform(shape, zero, one, "f32")
    angle = ops.random_uniform(shape, zero, one, "f32")
    distance = ops.sqrt(ops.multiply(ops.log(radius), ops.constant(np.float32(-2))))
    normal = ops.multiply(distance, ops.cos(ops.multiply(angle, ops.constant(np.float32(2 * np.pi)))))
    drawn = ops.add(normal, zero)
    drawn.set_friendly_name(name)
    return drawn


def build(
    noise_name: str = "/dp/RandomNormalLike", roundings: int = 1, extra: bool = False, masks: int = 1
) -> ov.Model:
    """Samples: for every frame of every phoneme `HOP` times its noise, a tenth of the noise of the durations on top."""
    ids = ops.parameter([1, -1], np.int64, "input")
    ids.output(0).get_tensor().set_names({"input"})
    axis = ops.constant(2, np.int64)
    flat = ops.reshape(ids, ops.constant([-1], np.int64), False)
    # As in VITS the noise has the shape of a tensor, of which the channels are known and the length is not.
    first = draw(ops.shape_of(ops.gather(ops.constant(np.zeros((1, 2, 5), np.float32)), flat, axis), "i64"), noise_name)
    log_durations = ops.gather(ops.constant(DURATIONS), ids, ops.constant(0, np.int64))
    spread = ops.multiply(ops.reduce_sum(first, ops.constant([1], np.int64)), ops.constant(np.float32(0)))
    rounded = ops.ceiling(ops.unsqueeze(ops.add(log_durations, spread), ops.constant(1, np.int64)))
    for _ in range(roundings - 1):
        rounded = ops.ceiling(rounded)
    frames = ops.convert(ops.reduce_sum(rounded, ops.constant([1, 2], np.int64)), np.int64)
    zero, step = ops.constant(0, np.int64), ops.constant(1, np.int64)
    places = zero
    for _ in range(masks):
        mask = ops.range(zero, ops.reduce_max(frames, ops.constant([0], np.int64)), step, "i64")
        places = ops.multiply(ops.add(mask, places), zero)
    wanted = ops.shape_of(ops.gather(ops.constant(np.zeros((1, 3, 1), np.float32)), places, axis), "i64")
    second = draw(wanted, "/RandomNormalLike")
    samples = ops.reduce_sum(second, ops.constant([0, 1], np.int64))
    if extra:
        uniform = ops.random_uniform(wanted, ops.constant(np.float32(0)), ops.constant(np.float32(1)), "f32")
        samples = ops.add(samples, ops.reduce_sum(uniform, ops.constant([0, 1], np.int64)))
    repeated = ops.tile(ops.unsqueeze(samples, ops.constant(1, np.int64)), ops.constant([1, HOP], np.int64))
    output = ops.reshape(repeated, ops.constant([-1], np.int64), False)
    result = ops.result(output)
    return ov.Model([result], [ids], "vits")


def run(model: ov.CompiledModel, pace: float, noise: np.ndarray[Any, Any]) -> tuple[Any, int]:
    inputs = {
        "input": np.array([[0, 1, 2, 3, 4]], np.int64),
        PACE: np.array(pace, np.float32),
        NOISES[0]: np.zeros((1, 2, 5), np.float32),
        NOISES[1]: noise,
    }
    outputs = model.create_infer_request().infer(inputs)
    return np.array(outputs[0]), int(outputs[1])


@pytest.fixture(scope="module")
def prepared() -> ov.CompiledModel:
    model = build()
    assert prepare_vits(model) == (2, 3)
    return ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


def test_at_a_pace_of_one_durations_are_those_of_training(prepared: ov.CompiledModel) -> None:
    samples, frames = run(prepared, 1, np.ones((1, 3, 100), np.float32))
    assert frames == np.ceil(DURATIONS).sum() == 10
    assert samples.tolist() == [3.0] * HOP * STEP


@pytest.mark.parametrize(
    ("pace", "frames", "steps"), [(0.25, 2, 1), (0.5, 5, 1), (3.2, 32, 1), (3.3, 33, 2), (4, 40, 2)]
)
def test_the_pace_scales_the_whole_in_steps(prepared: ov.CompiledModel, pace: float, frames: int, steps: int) -> None:
    samples, counted = run(prepared, pace, np.ones((1, 3, 100), np.float32))
    assert (counted, len(samples)) == (frames, HOP * STEP * steps)


def test_noise_is_the_input_and_begins_again_where_it_ends(prepared: ov.CompiledModel) -> None:
    noise = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    samples, _ = run(prepared, 1, noise)
    sums = noise.sum((0, 1)).tolist()
    assert samples[::HOP].tolist() == [sums[frame % 4] for frame in range(STEP)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"noise_name": "/dp/Other"}, "draws noise 1 times"),
        ({"roundings": 2}, "rounds 2 times"),
        ({"extra": True}, "random numbers in other places"),
        ({"masks": 2}, "makes 2 masks from the durations"),
    ],
)
def test_another_graph_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prepare_vits(build(**changes))
