from __future__ import annotations

import math

import pytest
from xim_transcription.tokens import to_bytes, to_chance


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("ĠAmericans", b" Americans"),
        ("!", b"!"),
        ("ðŁĺ", b"\xf0\x9f\x98"),
        ("Ã©", b"\xc3\xa9"),
        ("Ċ", b"\n"),
        ("Ń", b"\xad"),
    ],
)
def test_a_token_is_written_with_a_character_for_each_byte(written: str, spelled: bytes) -> None:
    assert to_bytes(written) == spelled


def test_a_chance_is_that_of_the_contract() -> None:
    assert to_chance(7, "ĠHi", 0.5) == {"id": 7, "token": " Hi", "bytes": [32, 72, 105], "logprob": math.log(0.5)}
    assert to_chance(8, "ðŁ", 1.0000001)["logprob"] == 0
    assert to_chance(8, "ðŁ", 1)["token"] == "\ufffd"
    assert math.isfinite(to_chance(8, "a", 0.0)["logprob"])
