"""Networks of pipelines on OpenVINO, compared with the same pipelines on PyTorch alone."""

from __future__ import annotations

import dataclasses
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Folders, Handlers, make_context
from PIL import Image
from test_generate_image import FAMILIES, SMALL, events_of, file_of, gradient, pictures_of
from xim_engine_ipex import openvino_networks
from xim_engine_ipex.generate_image import GenerateImage
from xim_engine_ipex.networks import describe
from xim_engine_ipex.openvino_networks import Network
from xim_engine_ipex.torch_runtime import TorchRuntime
from xim_worker import Plan, StartError

LEAST_ERROR = 0.25
"""Of a pixel, in values from 0 to 255, on average: f32 rounds differently in both libraries."""


def error_of(found: Image.Image, expected: Image.Image) -> float:
    assert found.size == expected.size
    return float(np.abs(np.asarray(found, float) - np.asarray(expected, float)).mean())


def both(handlers: Handlers, family: str, **request: Any) -> float:
    """The mean error of OpenVINO's picture."""
    found, expected = (pictures_of(handlers(family, networks=name), **request) for name in ("openvino", "pytorch"))
    return max(error_of(*pair) for pair in zip(found, expected, strict=True))


@pytest.mark.parametrize("family", [*FAMILIES, "inpaint"])
def test_both_networks_of_each_family_are_computed(folders: Folders, capfd: Any, family: str) -> None:
    info = GenerateImage().load(make_context(folders(family), dtype="f32", steps=1))
    assert "stays on PyTorch" not in capfd.readouterr().err
    assert info.runtime["name"] == "openvino+pytorch"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("width", "height"), [(64, 48), (67, 101), (256, 128)])
def test_a_picture_is_nearly_that_of_pytorch(handlers: Handlers, family: str, width: int, height: int) -> None:
    assert both(handlers, family, width=width, height=height) < LEAST_ERROR


@pytest.mark.parametrize("family", FAMILIES)
def test_partial_pictures_and_guidance(handlers: Handlers, family: str) -> None:
    assert both(handlers, family, partials=2, steps=4, count=2) < LEAST_ERROR
    assert both(handlers, family, guidance=1) < LEAST_ERROR


@pytest.mark.parametrize("family", FAMILIES)
def test_a_picture_out_of_a_picture(handlers: Handlers, family: str) -> None:
    assert both(handlers, family, image=file_of(gradient(64, 48)), strength=0.7) < LEAST_ERROR


@pytest.mark.parametrize("family", [*FAMILIES, "inpaint"])
def test_a_picture_under_a_mask(handlers: Handlers, family: str) -> None:
    mask = Image.new("L", (64, 48))
    mask.paste(255, (8, 8, 40, 40))
    request = {"image": file_of(gradient(64, 48)), "mask": file_of(mask), "strength": 1.0}
    assert both(handlers, family, **request) < LEAST_ERROR


def test_a_seed_gives_the_same_bytes_again_and_beside_another_picture(folders: Folders) -> None:
    handler, context = GenerateImage(), make_context(folders("sd"), dtype="f32", steps=3, networks="openvino")
    context = dataclasses.replace(context, plan=Plan(threads=2, slots=2, kv_cache_bytes=0, batch_tokens=0))
    handler.load(context)
    alone = [pictures_of(handler, seed=seed)[0].tobytes() for seed in (7, 8)]
    with ThreadPoolExecutor() as threads:
        beside = list(threads.map(lambda seed: pictures_of(handler, seed=seed)[0].tobytes(), [7, 8] * 4))
    assert beside == alone * 4


def test_tiles_are_decoded(handlers: Handlers) -> None:
    (picture,) = pictures_of(handlers("sd", networks="openvino", tileAbove=4096), width=256, height=256)
    (expected,) = pictures_of(handlers("sd", tileAbove=4096), width=256, height=256)
    assert error_of(picture, expected) < LEAST_ERROR


def test_a_picture_is_stopped_between_two_steps(handlers: Handlers) -> None:
    over: list[bool] = []
    types = []
    for event in handlers("sd", networks="openvino").run({**SMALL, "steps": 900}, lambda: bool(over)):
        types.append("alive" if event is None else event["type"])
        over.append(True)
    assert types[-1] == "alive"
    assert "image" not in types


def test_a_network_that_openvino_does_not_convert_stays(folders: Folders, monkeypatch: Any, capfd: Any) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("no such operation\nand more")

    monkeypatch.setattr("openvino.convert_model", refuse)
    handler = GenerateImage()
    info = handler.load(make_context(folders("sd"), dtype="f32", steps=2))
    assert info.runtime["name"] == "pytorch"
    said = capfd.readouterr().err
    for name in ("unet", "vae.decoder"):
        assert f"{name} stays on PyTorch: OpenVINO does not convert it (no such operation)" in said
    assert len(pictures_of(handler)) == 1


def test_a_network_that_differs_stays(folders: Folders, handlers: Handlers, monkeypatch: Any, capfd: Any) -> None:
    compute = Network._compute

    def wrong(self: Network, tensors: Any) -> torch.Tensor:
        found = compute(self, tensors)
        return found if found.shape[1] == 3 else found + 0.1 * found.std()

    monkeypatch.setattr(Network, "_compute", wrong)
    handler = GenerateImage()
    info = handler.load(make_context(folders("sd"), dtype="f32", steps=3))
    assert info.runtime["name"] == "openvino+pytorch"
    assert "unet stays on PyTorch: OpenVINO's result differs by 0.1" in capfd.readouterr().err
    (picture,), (expected,) = pictures_of(handler), pictures_of(handlers("sd"))
    assert error_of(picture, expected) < LEAST_ERROR


def test_another_call_than_that_of_the_start_is_an_error(folders: Folders) -> None:
    handler = GenerateImage()
    handler.load(make_context(folders("sd"), dtype="f32", steps=2))
    unet: Any = handler._pictures.pipeline("text").unet
    latents = torch.zeros(1, 4, 8, 8)
    with pytest.raises(TypeError, match="the network was made for"):
        unet(latents, 1, encoder_hidden_states=torch.zeros(1, 77, 32), return_dict=False)


def test_bf16_tells_neighbouring_times_apart(folders: Folders) -> None:
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel.from_pretrained(folders("sd") / "unet")
    with openvino_networks.recording({"unet": unet}) as calls, torch.inference_mode():
        unet(torch.ones(2, 4, 9, 7), torch.tensor(5), torch.ones(2, 77, 32), return_dict=False)
    network = Network(unet, calls["unet"], threads=2, requests=1, dtype=torch.bfloat16)
    results = [
        network(torch.ones(1, 4, 8, 8), torch.tensor(time), torch.ones(1, 77, 32), return_dict=False)[0]
        for time in (980, 981)
    ]
    assert not torch.equal(*results)


def test_only_known_libraries_are_asked_for(folders: Folders) -> None:
    with pytest.raises(StartError, match="networks is 'tensorflow'"):
        GenerateImage().load(make_context(folders("sd"), networks="tensorflow"))


def test_the_extension_is_named_too() -> None:
    assert describe(TorchRuntime(torch.float32), [])[0]["name"] == "pytorch"


def test_pictures_in_bf16_are_pictures(folders: Folders) -> None:
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("no kernels for bf16")
    handler = GenerateImage()
    info = handler.load(make_context(folders("sd"), dtype="bf16", steps=3))
    assert info.dtype == "bf16"
    images = [event for event in events_of(handler) if event["type"] == "image"]
    assert Image.open(io.BytesIO(images[0]["bytes"])).size == (64, 48)
