"""Random schemas, with random values and with generated values after a small change; `jsonschema` decides."""

from __future__ import annotations

import json
import random
from typing import Any

from jsonschema import Draft202012Validator
from random_schemas import changed_value, random_schema, random_value
from shapes import schema_shape
from xim_worker import InvalidInput

SCHEMAS = 400


def is_valid(schema: Any, value: Any) -> bool | None:
    """None for a loop of references, which has no meaning."""
    try:
        return bool(Draft202012Validator(schema).is_valid(value))
    except RecursionError:
        return None


def test_no_invalid_value_of_a_random_schema_comes_out() -> None:
    taken = matched = invalid = 0
    for seed in range(SCHEMAS):
        schema, chance = random_schema(seed), random.Random(seed)
        try:
            shape = schema_shape(schema)
            written = [text for text in (shape.random_text(chance, 100) for _ in range(4)) if text is not None]
        except InvalidInput:
            # No value fits the schema, or no finite value.
            continue
        taken += 1
        values = [json.loads(text) for text in written]
        changed = [changed_value(value, chance) for value in values for _ in range(3)]
        texts = [json.dumps(value) for value in [*changed, *(random_value(chance) for _ in range(12))]]
        escaped = [text.replace('"a"', '"\\u0061"', 1) for text in texts if '"a"' in text]
        for text in [*written, *texts, *escaped]:
            valid = is_valid(schema, json.loads(text))
            if valid is None:
                break
            if valid:
                matched += shape.matches(text)
                continue
            invalid += 1
            assert not shape.matches(text), f"{text} of {json.dumps(schema)}"
    print(f"{taken} of {SCHEMAS} schemas taken, {matched} valid texts taken, {invalid} invalid ones rejected")
    assert taken > SCHEMAS / 2
    assert matched > taken
    assert invalid > taken
