import pytest


@pytest.mark.parametrize("text", ['a > "b"'])
def test_passes(text):
    print("<failure message='printed'>")


def test_fails():
    assert "<skipped" == "&"


@pytest.fixture
def broken():
    raise RuntimeError("before the test")


def test_breaks(broken):
    pass


def test_is_skipped():
    pytest.skip('cpu:amx: no "amx_tile" here & now')


@pytest.mark.xfail(reason="some day")
def test_is_expected_to_fail():
    raise AssertionError
