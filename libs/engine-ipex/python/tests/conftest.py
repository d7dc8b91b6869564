"""Pipelines with random weights, written once for all tests, and handlers over them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_pipelines import WRITERS
from xim_engine_ipex.generate_image import GenerateImage
from xim_worker import Context, Plan

Folders = Callable[[str], Path]
Handlers = Callable[..., GenerateImage]


def make_context(folder: Path, **options: Any) -> Context:
    plan = Plan(threads=2, slots=1, kv_cache_bytes=0, batch_tokens=0)
    return Context({"id": "org/m"}, str(folder), options, plan, 0, lambda step, fraction: None)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    root = tmp_path_factory.mktemp("pipelines")

    def folder(name: str) -> Path:
        path: Path = root / name
        return path if path.exists() else WRITERS[name](path)

    return folder


@pytest.fixture(scope="session")
def handlers(folders: Folders) -> Handlers:
    made: dict[str, GenerateImage] = {}

    def handler(name: str, **options: Any) -> GenerateImage:
        key = f"{name} {options}"
        if key not in made:
            made[key] = GenerateImage()
            made[key].load(
                make_context(folders(name), **{"dtype": "f32", "steps": 3, "networks": "pytorch", **options})
            )
        return made[key]

    return handler
