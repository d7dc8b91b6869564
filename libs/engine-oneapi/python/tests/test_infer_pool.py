import threading

from xim_engine_oneapi.infer_pool import InferPool


def test_takes_the_one_with_all_threads_while_nothing_else_runs() -> None:
    pool = InferPool(["a", "b"], alone="all")
    with pool.take() as first, pool.take() as second, pool.take() as third:
        assert first == "all"
        assert {second, third} == {"a", "b"}
    with pool.take() as again:
        assert again == "all"


def test_does_not_take_the_one_with_all_threads_beside_another() -> None:
    pool = InferPool(["a"], alone="all")
    with pool.take() as all_threads:
        assert all_threads == "all"
        with pool.take() as beside:
            assert beside == "a"
        with pool.take() as still:
            assert still == "a"


def test_waits_until_one_is_given_back() -> None:
    pool = InferPool(["only"])
    took = threading.Event()

    def take() -> None:
        with pool.take():
            took.set()

    with pool.take():
        waiting = threading.Thread(target=take)
        waiting.start()
        assert not took.wait(0.05)
    waiting.join(5)
    assert took.is_set()


def test_what_must_be_repeatable_waits_for_the_one_with_all_threads() -> None:
    pool = InferPool(["a", "b"], alone="all")
    took: list[str] = []

    def take() -> None:
        with pool.take(repeatable=True) as taken:
            took.append(taken)

    with pool.take(repeatable=True) as first, pool.take() as beside:
        assert (first, beside in {"a", "b"}) == ("all", True)
        waiting = threading.Thread(target=take)
        waiting.start()
        waiting.join(0.05)
        assert took == []
    waiting.join(5)
    assert took == ["all"]


def test_with_one_form_everything_is_repeatable() -> None:
    pool = InferPool(["only"])
    with pool.take(repeatable=True) as taken:
        assert taken == "only"


def test_gives_back_after_a_failure() -> None:
    pool = InferPool(["a"], alone="all")
    for _ in range(3):
        try:
            with pool.take() as taken:
                assert taken == "all"
                raise ValueError
        except ValueError:
            pass
