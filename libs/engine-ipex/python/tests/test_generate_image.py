"""Pictures, compared pixel for pixel with diffusers called directly."""

from __future__ import annotations

import io
import json
import shutil
import threading
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from conftest import Folders, Handlers, make_context
from diffusers import AutoPipelineForImage2Image, AutoPipelineForInpainting, DiffusionPipeline
from PIL import Image
from safetensors.torch import load_file, save_file
from xim_engine_ipex.generate_image import GenerateImage
from xim_worker import ImageInput, InvalidInput, StartError

SMALL: dict[str, Any] = {"prompt": "a red house", "format": "png", "width": 64, "height": 48, "seed": 7}
FAMILIES = ["sd", "lcm", "sdxl", "sd3", "flux"]


def events_of(handler: GenerateImage, **request: Any) -> list[Any]:
    whole = cast(ImageInput, {**SMALL, **request})
    return [event for event in handler.run(whole, lambda: False) if event is not None]


def pictures_of(handler: GenerateImage, **request: Any) -> list[Image.Image]:
    events = events_of(handler, **request)
    assert [event["type"] for event in (events[0], events[-1])] == ["start", "end"]
    return [Image.open(io.BytesIO(event["bytes"])) for event in events if event["type"] == "image"]


def file_of(image: Image.Image, format: str = "PNG") -> dict[str, bytes]:
    file = io.BytesIO()
    image.save(file, format)
    return {"bytes": file.getvalue()}


def gradient(width: int, height: int) -> Image.Image:
    across = np.linspace(0, 255, width, dtype=np.uint8)
    down = np.linspace(0, 255, height, dtype=np.uint8)[:, None]
    return Image.fromarray(np.stack(np.broadcast_arrays(across, down, across[::-1]), axis=-1))


def directly(folder: Path, auto: Any = None, **call: Any) -> Image.Image:
    # Stable Diffusion 3 here is without its T5, which diffusers wants to be told.
    left_out = {"text_encoder_3": None, "tokenizer_3": None} if folder.name == "sd3" else {}
    pipeline = DiffusionPipeline.from_pretrained(str(folder), dtype=torch.float32, **left_out)
    pipeline = pipeline if auto is None else auto.from_pipe(pipeline)
    generator = torch.Generator("cpu").manual_seed(7)
    image: Image.Image = pipeline(prompt="a red house", num_inference_steps=3, generator=generator, **call).images[0]
    return image


@pytest.mark.parametrize("family", FAMILIES)
def test_a_picture_is_that_of_diffusers(folders: Folders, handlers: Handlers, family: str) -> None:
    expected = directly(folders(family), width=64, height=48)
    (picture,) = pictures_of(handlers(family))
    np.testing.assert_array_equal(np.asarray(picture), np.asarray(expected))


def test_a_picture_out_of_a_picture_is_that_of_diffusers(folders: Folders, handlers: Handlers) -> None:
    start = gradient(64, 48)
    expected = directly(folders("sd"), AutoPipelineForImage2Image, image=start, strength=0.7)
    (picture,) = pictures_of(handlers("sd"), image=file_of(start), strength=0.7)
    np.testing.assert_array_equal(np.asarray(picture), np.asarray(expected))


@pytest.mark.parametrize("family", ["sd", "inpaint"])
def test_pixels_under_the_mask_are_those_of_diffusers_and_the_others_stay(
    folders: Folders, handlers: Handlers, family: str
) -> None:
    start, mask = gradient(64, 48), Image.new("L", (64, 48))
    mask.paste(255, (8, 8, 40, 40))
    expected = directly(
        folders(family), AutoPipelineForInpainting, image=start, mask_image=mask, width=64, height=48, strength=1.0
    )
    (picture,) = pictures_of(handlers(family), image=file_of(start), mask=file_of(mask), strength=1.0)
    repainted = np.asarray(mask) > 0
    np.testing.assert_array_equal(np.asarray(picture)[repainted], np.asarray(expected)[repainted])
    np.testing.assert_array_equal(np.asarray(picture)[~repainted], np.asarray(start)[~repainted])


def test_transparent_pixels_are_the_mask_where_no_other_is_given(handlers: Handlers) -> None:
    start = gradient(64, 48).convert("RGBA")
    hole = Image.new("L", start.size, 255)
    hole.paste(0, (0, 0, 32, 48))
    start.putalpha(hole)
    (picture,) = pictures_of(handlers("sd"), image=file_of(start))
    left, right = np.asarray(picture)[:, :32], np.asarray(picture)[:, 32:]
    np.testing.assert_array_equal(right, np.asarray(gradient(64, 48))[:, 32:])
    assert (left != np.asarray(gradient(64, 48))[:, :32]).any()
    # A mask that is given goes before the picture's own.
    other = Image.new("L", start.size)
    other.paste(255, (32, 0, 64, 48))
    (picture,) = pictures_of(handlers("sd"), image=file_of(start), mask=file_of(other))
    np.testing.assert_array_equal(np.asarray(picture)[:, :32], np.asarray(gradient(64, 48))[:, :32])


def test_each_of_several_pictures_is_that_of_its_seed_alone(handlers: Handlers) -> None:
    several = [picture.tobytes() for picture in pictures_of(handlers("sd"), count=3)]
    single = [pictures_of(handlers("sd"), seed=7 + index)[0].tobytes() for index in range(3)]
    assert several == single
    assert len(set(several)) == 3


@pytest.mark.parametrize(("seed", "same"), [(2**64 + 7, 7), (-1, 2**64 - 1), (2**63, 2**63)])
def test_every_integer_is_a_seed(handlers: Handlers, seed: int, same: int) -> None:
    assert pictures_of(handlers("sd"), seed=seed)[0].tobytes() == pictures_of(handlers("sd"), seed=same)[0].tobytes()


@pytest.mark.parametrize("family", FAMILIES)
def test_partial_pictures_come_before_the_finished_one(handlers: Handlers, family: str) -> None:
    events = events_of(handlers(family), partials=2, steps=4, count=2)
    images = [(event["index"], event.get("partial")) for event in events if event["type"] == "image"]
    assert images == [(0, 0), (0, 1), (0, None), (1, 0), (1, 1), (1, None)]
    with_partials = [event["bytes"] for event in events if event["type"] == "image" and "partial" not in event]
    without = [event["bytes"] for event in events_of(handlers(family), steps=4, count=2) if event["type"] == "image"]
    assert with_partials == without


def test_one_step_has_no_partial_pictures(handlers: Handlers) -> None:
    assert len(pictures_of(handlers("sd"), steps=1, partials=3)) == 1


@pytest.mark.parametrize(("width", "height"), [(256, 320), (72, 40), (67, 101)])
@pytest.mark.parametrize("family", ["sd", "flux"])
def test_a_size_is_given_exactly(handlers: Handlers, family: str, width: int, height: int) -> None:
    (picture,) = pictures_of(handlers(family), width=width, height=height, steps=1)
    assert picture.size == (width, height)
    (edited,) = pictures_of(handlers(family), image=file_of(gradient(width, height)), width=None, height=None, steps=2)
    assert edited.size == (width, height)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_the_bytes_are_of_the_format_and_the_quality(handlers: Handlers, format: str) -> None:
    sizes = {}
    for quality in (1, 100):
        events = events_of(handlers("sd"), format=format, quality=quality)
        image = next(event for event in events if event["type"] == "image")
        assert image["mediaType"] == f"image/{format}"
        assert Image.open(io.BytesIO(image["bytes"])).format == format.upper()
        sizes[quality] = len(image["bytes"])
    assert sizes[1] == sizes[100] if format == "png" else sizes[1] < sizes[100]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"width": 0}, "width"),
        ({"width": 2**20}, "width"),
        ({"width": 8000, "height": 8000}, "width"),
        ({"height": 1.5}, "height"),
        ({"count": 0}, "count"),
        ({"steps": 1000}, "steps"),
        ({"seed": 1.5}, "seed"),
        ({"guidance": -1}, "guidance"),
        ({"partials": 4}, "partials"),
        ({"quality": 101}, "quality"),
        ({"format": "gif"}, "format"),
        ({"strength": 0.5}, "strength"),
        ({"image": {"bytes": b"noise"}}, "image"),
        ({"image": {"path": "/nowhere.png"}}, "image"),
        ({"image": file_of(gradient(64, 48)), "strength": 0.1}, "strength"),
        ({"image": file_of(gradient(64, 48)), "mask": file_of(gradient(8, 8))}, "mask"),
        ({"image": file_of(gradient(64, 48)), "mask": file_of(Image.new("L", (64, 48)))}, "mask"),
        ({"mask": file_of(Image.new("L", (64, 48), 255))}, "mask"),
        ({"prompt": "house " * 100}, "prompt"),
        ({"negativePrompt": "house " * 100}, "negativePrompt"),
        ({"negativePrompt": "cat", "guidance": 1}, "negativePrompt"),
    ],
)
def test_refusals_name_the_parameter(folders: Folders, change: dict[str, Any], param: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("xim_engine_ipex.generate_image.free_bytes", lambda: 2**30)
    handler = GenerateImage()
    handler.load(make_context(folders("sd"), dtype="f32", steps=3))
    with pytest.raises(InvalidInput) as refusal:
        events_of(handler, **change)
    assert refusal.value.param == param


def test_a_picture_is_stopped_between_two_steps(handlers: Handlers) -> None:
    handler, over = handlers("sd"), threading.Event()
    types = []
    for event in handler.run({**SMALL, "steps": 900}, over.is_set):
        types.append("alive" if event is None else event["type"])
        over.set()
    assert types[-1] == "alive"
    assert "image" not in types
    assert len(pictures_of(handler)) == 1


def test_the_checker_rejects_a_picture_and_its_partials(folders: Folders, handlers: Handlers) -> None:
    handler = GenerateImage()
    info = handler.load(make_context(folders("sd"), dtype="f32", steps=3))
    assert info.safety_checker is True
    handler._pictures.pipeline("text").safety_checker.concept_embeds_weights.data.fill_(-10)
    images = [event for event in events_of(handler, partials=1) if event["type"] == "image"]
    assert [image.get("rejected") for image in images] == [True, True]
    assert {Image.open(io.BytesIO(image["bytes"])).getextrema() for image in images} == {((0, 0),) * 3}
    without = GenerateImage()
    assert without.load(make_context(folders("sd"), safetyChecker=False)).safety_checker is False


def test_values_that_are_no_numbers_are_an_error(folders: Folders) -> None:
    handler = GenerateImage()
    handler.load(make_context(folders("sd"), dtype="f32", steps=3, networks="pytorch"))
    handler._pictures.pipeline("text").unet.conv_out.weight.data.fill_(float("nan"))
    with pytest.raises(RuntimeError, match="no numbers"):
        events_of(handler)


@pytest.mark.parametrize("part", ["unet", "text_encoder"])
def test_a_missing_tensor_is_an_error(folders: Folders, tmp_path: Path, part: str) -> None:
    folder = shutil.copytree(folders("sd"), tmp_path / "model")
    (path,) = (folder / part).glob("*.safetensors")
    tensors = load_file(path)
    name = sorted(tensors)[0]
    save_file({key: value for key, value in tensors.items() if key != name}, path, {"format": "pt"})
    with pytest.raises(StartError, match=f"{part} lacks the tensors"):
        GenerateImage().load(make_context(folder))


def test_a_pickle_is_refused_and_not_opened(folders: Folders, tmp_path: Path) -> None:
    folder = shutil.copytree(folders("sd"), tmp_path / "model")
    (folder / "unet/diffusion_pytorch_model.safetensors").rename(folder / "unet/diffusion_pytorch_model.bin")
    with pytest.raises(StartError, match=r"no \.safetensors .*\.bin"):
        GenerateImage().load(make_context(folder))


def test_code_that_comes_with_a_model_is_not_run(folders: Folders, tmp_path: Path) -> None:
    folder = shutil.copytree(folders("sd"), tmp_path / "model")
    index = json.loads((folder / "model_index.json").read_text())
    index["unet"] = ["own_code", "OwnUNet"]
    (folder / "own_code.py").write_text("raise SystemExit('run')")
    (folder / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(StartError, match="OwnUNet of own_code"):
        GenerateImage().load(make_context(folder))
