import random

import pytest
from xim_generation.output.text_stream import TextStream, advance

# A byte is a token; decoding is what byte-level tokenizers do with the bytes of all tokens.
TEXTS = {
    "plain": "The sea is a vast body of water, and it is salty. " * 8,
    "emoji": "👩‍👩‍👧 ok 🇩🇪🌊 " * 12,
    "chinese": "海是一片广阔的水域，覆盖了地球表面的大部分。" * 5,
    "mixed": "naïve 日本 é👍🏽x\n\tß — “q”" * 6,
    "nothing": "",
}


class Decoder:
    """Counts what it is asked for."""

    def __init__(self, errors: str = "replace", drops_first_space: bool = False) -> None:
        self.calls = 0
        self.most_tokens = 0
        self._errors = errors
        self._drops_first_space = drops_first_space

    def __call__(self, rows: list[list[int]]) -> list[str]:
        self.calls += 1
        self.most_tokens = max([self.most_tokens, *map(len, rows)])
        texts = [bytes(row).decode("utf-8", self._errors) for row in rows]
        return [text[1:] if self._drops_first_space and text.startswith(" ") else text for text in texts]


def pieces(tokens: bytes, seed: int) -> list[bytes]:
    """The tokens as they arrive: mostly one at a time, sometimes several, sometimes none."""
    chance = random.Random(seed)
    result = []
    while tokens:
        count = chance.choice([0, 1, 1, 1, 1, 2, 5, 40])
        result.append(tokens[:count])
        tokens = tokens[count:]
    return [*result, b""] if chance.random() < 0.5 else result or [b""]


def deltas(tokens: bytes, seed: int = 0, decode: Decoder | None = None, stops: tuple[str, ...] = ()) -> list[str]:
    stream, decode = TextStream(stops), decode or Decoder()
    result = []
    arriving = pieces(tokens, seed)
    for number, piece in enumerate(arriving):
        result += advance(decode, [(stream, piece, number == len(arriving) - 1)])
        if stream.stopped:
            break
    return result


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("errors", ["replace", "ignore"])
@pytest.mark.parametrize("name", TEXTS)
def test_joined_deltas_are_the_text(name: str, errors: str, seed: int) -> None:
    found = deltas(TEXTS[name].encode(), seed, Decoder(errors))
    assert "".join(found) == TEXTS[name]
    assert "\ufffd" not in "".join(found)


def test_a_character_comes_whole() -> None:
    stream, decode = TextStream(), Decoder()
    found = [advance(decode, [(stream, [byte], False)])[0] for byte in "aé👍b".encode()]
    assert found == ["a", "", "é", "", "", "", "👍", "b"]


def test_half_a_character_at_the_end_stays_out() -> None:
    assert "".join(deltas("so 👍".encode()[:-1])) == "so "


def test_bytes_that_are_no_character_come_out_as_what_they_decode_to() -> None:
    tokens = b"a\xff\xfe\xff\xfe\xff\xfe b \x80\x80\x80 c"
    for seed in range(10):
        assert "".join(deltas(tokens, seed)) == tokens.decode("utf-8", "replace")


def test_garbage_without_end_is_not_held_for_ever() -> None:
    decode = Decoder()
    assert len("".join(deltas(b"\xff" * 500, decode=decode))) >= 497
    assert decode.most_tokens < 100


@pytest.mark.parametrize("seed", range(3))
def test_the_first_token_of_a_window_may_be_decoded_in_its_own_way(seed: int) -> None:
    # As SentencePiece does: the space before the first word is dropped, no other.
    text = " one two  three   four " * 20
    assert "".join(deltas(text.encode(), seed, Decoder(drops_first_space=True))) == text[1:]


def test_the_cost_of_a_step_does_not_grow_with_the_text() -> None:
    decode, stream = Decoder(), TextStream()
    for byte in TEXTS["mixed"].encode() * 10:
        advance(decode, [(stream, [byte], False)])
    assert decode.calls == len(TEXTS["mixed"].encode() * 10)
    assert decode.most_tokens < 40


def test_all_streams_of_a_step_share_one_decode() -> None:
    texts = list(TEXTS.values())
    streams, decode = [TextStream() for _ in texts], Decoder()
    found = ["" for _ in texts]
    for step in range(max(len(text.encode()) for text in texts)):
        fresh = [(stream, text.encode()[step : step + 1], False) for stream, text in zip(streams, texts, strict=True)]
        for number, delta in enumerate(advance(decode, fresh)):
            found[number] += delta
        assert decode.calls == step + 1
    assert found == texts


@pytest.mark.parametrize("length", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("name", ["plain", "emoji", "chinese", "mixed"])
def test_a_stop_text_ends_the_stream_wherever_it_is(name: str, length: int) -> None:
    text = TEXTS[name]
    for at in range(min(len(text) - length, 70)):
        stop = text[at : at + length]
        expected = text[: text.index(stop)]
        for seed in range(2):
            assert "".join(deltas(text.encode(), seed, stops=("never to be seen", stop))) == expected


def test_the_stop_text_that_comes_first_counts() -> None:
    assert "".join(deltas(b"up to here and no further", stops=("no", "here and", "here"))) == "up to "


def test_what_may_begin_a_stop_text_waits_and_is_let_go_when_it_does_not() -> None:
    stream, decode = TextStream(["STOP"]), Decoder()
    found = [advance(decode, [(stream, [byte], False)])[0] for byte in b"aSTOb"]
    assert found == ["a", "", "", "", "STOb"]
    assert advance(decode, [(stream, b"ST", False)]) == [""]
    assert advance(decode, [(stream, b"", True)]) == ["ST"]
    assert not stream.stopped


def test_a_stop_text_that_repeats_itself_is_found() -> None:
    # After "aab" fails at its third letter, the second "a" may still be the first of another.
    assert "".join(deltas(b"xaaab rest", stops=("aab",))) == "xa"


def test_an_empty_stop_text_stops_nothing() -> None:
    assert "".join(deltas(b"words", stops=("",))) == "words"
