"""Which library computes Whisper's encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from xim_engine_oneapi import transcribe
from xim_worker import Context, Plan, StartError


def context_of(folder: Path, options: dict[str, Any], said: list[str]) -> Context:
    plan = Plan(threads=2, slots=1, kv_cache_bytes=0, batch_tokens=0)
    return Context({"id": "m"}, str(folder), options, plan, 0, lambda step, fraction: said.append(step))


def test_a_file_that_cannot_be_read_stays_on_ctranslate2_unless_the_profile_asks(
    tmp_path: Path,
) -> None:
    (tmp_path / "model.bin").write_bytes(bytes(4))
    said: list[str] = []
    assert transcribe._open_encoder(context_of(tmp_path, {}, said), 1, tmp_path, "int8") is None
    assert "the encoder stays on CTranslate2: the file has version 0" in said[-1]
    with pytest.raises(StartError, match=r"version 0 of CTranslate2's format; expected 6.*encoder: ctranslate2"):
        transcribe._open_encoder(context_of(tmp_path, {"encoder": "openvino"}, said), 1, tmp_path, "int8")


def test_the_profile_may_keep_ctranslate2(tmp_path: Path) -> None:
    said: list[str] = []
    context = context_of(tmp_path, {"encoder": "ctranslate2"}, said)
    assert transcribe._open_encoder(context, 1, tmp_path, "int8") is None
    assert said == []
