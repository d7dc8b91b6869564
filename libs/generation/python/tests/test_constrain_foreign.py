"""Schemas from other projects: the generators and executors of Nx, and the meta-schemas of JSON Schema."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from random_schemas import changed_value
from shapes import schema_shape
from xim_worker import InvalidInput

MODULES = Path(__file__).parents[4] / "node_modules"
FILES = sorted(
    file
    for pattern in ("@nx/*/dist/**/schema.json", "nx/dist/**/schema.json", "nx/schemas/*.json", "ajv/lib/refs/*.json")
    for file in MODULES.glob(pattern)
    if "$data" not in file.name
)


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(MODULES)) for file in FILES])
def test_no_invalid_value_comes_out(file: Path) -> None:
    schema = json.loads(file.read_text())
    try:
        shape = schema_shape(schema)
    except InvalidInput as refused:
        assert str(refused.param).startswith("format.schema"), refused
        return
    checker, chance = validator_for(schema, default=Draft202012Validator)(schema), random.Random(7)
    for _ in range(10):
        text = shape.random_text(chance)
        if text is None:
            continue
        value = json.loads(text)
        errors = list(checker.iter_errors(value))
        assert not errors, f"{text}: {errors[0].message}"
        for _ in range(10):
            changed = changed_value(value, chance)
            assert checker.is_valid(changed) or not shape.matches(json.dumps(changed, ensure_ascii=False)), changed


def test_most_are_taken() -> None:
    taken = 0
    for file in FILES:
        try:
            schema_shape(json.loads(file.read_text()))
            taken += 1
        except InvalidInput:
            pass
    print(f"{taken} of {len(FILES)} schemas are taken")
    assert taken >= 0.75 * len(FILES) > 15
