"""Schemas that others wrote: those of the generators and executors of Nx, and the meta-schemas of JSON Schema."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from grammar_oracle import Grammar
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from xim_engine_oneapi.grammar import format_grammar
from xim_engine_oneapi.grammar.nodes import Rules
from xim_engine_oneapi.grammar.schema import to_rules
from xim_worker import InvalidInput

MODULES = Path(__file__).parents[4] / "node_modules"
FILES = sorted(
    file
    for pattern in ("@nx/*/dist/**/schema.json", "nx/dist/**/schema.json", "nx/schemas/*.json", "ajv/lib/refs/*.json")
    for file in MODULES.glob(pattern)
    if "$data" not in file.name
)
# What cannot be held to, where these schemas use it.
REFUSED = (
    "not",
    "uniqueItems",
    "oneOf",
    "$ref",
    "if",
    "dependencies",
    "dependentRequired",
    "patternProperties",
    "schema",
)


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(MODULES)) for file in FILES])
def test_what_comes_out_validates(file: Path) -> None:
    schema = json.loads(file.read_text())
    try:
        format_grammar({"type": "json-schema", "schema": schema})
    except InvalidInput as refused:
        assert str(refused.param).split(".")[-1] in REFUSED, refused
        return
    rules = Rules()
    grammar = Grammar(to_rules(schema, "format.schema", rules), rules.bodies)
    checker, chance = validator_for(schema, default=Draft202012Validator)(schema), random.Random(7)
    for _ in range(40):
        text = grammar.random_text(chance)
        errors = list(checker.iter_errors(json.loads(text)))
        assert not errors, f"{text}: {errors[0].message}"


def test_most_are_taken() -> None:
    taken = 0
    for file in FILES:
        try:
            format_grammar({"type": "json-schema", "schema": json.loads(file.read_text())})
            taken += 1
        except InvalidInput:
            pass
    assert taken >= 0.75 * len(FILES) > 15
