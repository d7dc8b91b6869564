"""The files of a model's repository that describe how its tokenizer is used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TokenizerFiles:
    template: str | None
    tool_template: str | None
    """The template for conversations with tools, if the model has two templates."""
    names: dict[str, str]
    """Texts of special tokens by their names: `bos_token`, `eos_token`, `pad_token`, …"""
    ends: frozenset[int]
    """Tokens that end an output, by their numbers."""
    end_names: frozenset[str]
    """Tokens that end an output, by their texts."""


def read_files(folder: Path) -> TokenizerFiles:
    """Reads, as `transformers` does, tokenizer_config.json (`chat_template`: a text, or a list of named ones),
    chat_template.jinja and chat_template.json (which take precedence), special_tokens_map.json, generation_config.json
    and config.json (`eos_token_id`: a number or a list). Each file may be missing.
    """
    config = _read(folder, "tokenizer_config.json")
    templates = _to_templates(config.get("chat_template"))
    templates.update(_to_templates(_read(folder, "chat_template.json").get("chat_template")))
    for name, path in (
        ("default", folder / "chat_template.jinja"),
        *((path.stem, path) for path in sorted((folder / "additional_chat_templates").glob("*.jinja"))),
    ):
        if path.exists():
            templates[name] = path.read_text("utf-8")
    names = {**_to_names(_read(folder, "special_tokens_map.json")), **_to_names(config)}
    ends: frozenset[int] = frozenset()
    for file in ("generation_config.json", "config.json"):
        content = _read(folder, file)
        found = content.get("eos_token_id", content.get("text_config", {}).get("eos_token_id"))
        ends |= frozenset([found] if isinstance(found, int) else found or [])
    return TokenizerFiles(
        template=templates.get("default"),
        tool_template=templates.get("tool_use"),
        names=names,
        ends=ends,
        end_names=frozenset(filter(None, [names.get("eos_token")])),
    )


def _read(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    content: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return content


def _to_templates(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        return {"default": value}
    return {entry["name"]: entry["template"] for entry in value or []}


def _to_names(config: dict[str, Any]) -> dict[str, str]:
    """A token is a text, or an object with the text as `content`."""
    names = {}
    for name, value in config.items():
        if name.endswith("_token"):
            text = value.get("content") if isinstance(value, dict) else value
            if isinstance(text, str):
                names[name] = text
    return names
