"""How batches are cut: fair, alike in length, within the budget, nothing lost."""

import random

from xim_worker.batches import _Call, take_batch
from xim_worker.handlers import Item


def waiting(*sizes: list[int]) -> dict[int, _Call]:
    return {call: _Call(call, {}, [Item(size, None) for size in items]) for call, items in enumerate(sizes, 1)}


def sizes(batch: list[tuple[_Call, int]]) -> list[int]:
    return [call.items[index].size for call, index in batch]


def test_takes_everything_that_fits_in_order_of_length() -> None:
    calls = waiting([40], [50], [45])
    assert sizes(take_batch(calls, 1000)) == [40, 45, 50]
    assert calls == {}


def test_padding_never_doubles_the_work() -> None:
    calls = waiting([200], [40], [150])
    assert sizes(take_batch(calls, 10_000)) == [150, 200]
    assert sizes(take_batch(calls, 10_000)) == [40]


def test_short_items_join_whatever_their_length() -> None:
    assert sizes(take_batch(waiting([3], [30], [1]), 1000)) == [1, 3, 30]


def test_the_budget_counts_padding() -> None:
    assert len(take_batch(waiting([100] * 50), 1000)) == 10


def test_the_leader_does_not_decide_the_width_alone() -> None:
    assert sizes(take_batch(waiting([50], [99], [101], [26]), 1000)) == [50, 99]


def test_an_item_over_the_budget_runs_alone() -> None:
    calls = waiting([500], [500])
    assert sizes(take_batch(calls, 100)) == [500]
    assert sizes(take_batch(calls, 100)) == [500]


def test_a_large_call_does_not_hold_a_small_one() -> None:
    calls = waiting([100] * 1000, [100])
    batch = take_batch(calls, 1000)
    assert [call.id for call, _ in batch].count(2) == 1
    assert 2 not in calls


def test_a_call_of_another_length_has_its_turn_next() -> None:
    calls = waiting([256] * 100, [8])
    assert set(sizes(take_batch(calls, 1024))) == {256}
    assert sizes(take_batch(calls, 1024)) == [8]


def test_every_item_is_taken_once() -> None:
    rng = random.Random(7)
    for _ in range(50):
        calls = waiting(*[[rng.randint(1, 256) for _ in range(rng.randint(1, 40))] for _ in range(rng.randint(1, 12))])
        everything = {(call.id, index) for call in calls.values() for index in range(len(call.items))}
        taken: list[tuple[int, int]] = []
        while calls:
            batch = take_batch(calls, 1024)
            assert batch
            assert max(max(sizes(batch)), 32) * len(batch) <= 1024 or len(batch) == 1
            taken += [(call.id, index) for call, index in batch]
        assert len(taken) == len(set(taken))
        assert set(taken) == everything
