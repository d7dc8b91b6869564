import pytest
from xim_engine_echo.tokens import cut, from_id, to_id
from xim_worker import InvalidInput


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("one two", [b"one", b" two"]),
        ("threshing", [b"thres", b"hing"]),
        ("a  b\n", [b"a", b" ", b" b", b"\n"]),
        ("日", ["日".encode()[:2], "日".encode()[2:]]),
        ("", []),
        ("\0", [b"\0"]),
    ],
)
def test_pieces_are_short_words_and_parts_of_characters(text: str, pieces: list[bytes]) -> None:
    assert cut(text) == pieces
    assert [from_id(to_id(piece), "prompt") for piece in pieces] == pieces


def test_ids_are_exact_in_json() -> None:
    assert all(to_id(piece) < 2**53 for piece in cut("the longest pieces 日本😀 \x7f\xff"))


def test_a_lone_surrogate_is_replaced() -> None:
    assert cut("a\ud83d") == [b"a?"]


@pytest.mark.parametrize("token", [-1, 0, 255, 512, 2**57, 1.5, True, "a", None])
def test_what_is_no_token_is_refused(token: object) -> None:
    with pytest.raises(InvalidInput, match="not a token"):
        from_id(token, "prompt")
