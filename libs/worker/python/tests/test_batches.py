"""How batches are cut: fair, alike in length, within the budget, nothing lost."""

import random

from xim_worker.fair_batch import BatchCall, FairBatches
from xim_worker.handlers import Item
from xim_worker.turns import Turn, turn_of


def call_of(number: int, items: list[int], turn: Turn | None = None) -> BatchCall:
    call = BatchCall(number, {}, turn or turn_of(number))
    call.items = [Item(size, None) for size in items]
    call.order()
    return call


def waiting(budget: int, *sizes: list[int]) -> FairBatches:
    batches = FairBatches(budget)
    for number, items in enumerate(sizes, 1):
        batches.add(call_of(number, items))
    return batches


def sizes(batch: list[tuple[BatchCall, int]]) -> list[int]:
    return [call.items[index].size for call, index in batch]


def test_takes_everything_that_fits_in_order_of_length() -> None:
    calls = waiting(1000, [40], [50], [45])
    assert sizes(calls.take()) == [40, 45, 50]
    assert calls.count == 0


def test_padding_never_doubles_the_work() -> None:
    calls = waiting(10_000, [200], [40], [150])
    assert sizes(calls.take()) == [150, 200]
    assert sizes(calls.take()) == [40]


def test_short_items_join_whatever_their_length() -> None:
    assert sizes(waiting(1000, [3], [30], [1]).take()) == [1, 3, 30]


def test_the_budget_counts_padding() -> None:
    assert len(waiting(1000, [100] * 50).take()) == 10


def test_the_leader_does_not_decide_the_width_alone() -> None:
    assert sizes(waiting(1000, [50], [99], [101], [26]).take()) == [50, 99]


def test_an_item_over_the_budget_runs_alone() -> None:
    calls = waiting(100, [500], [500])
    assert sizes(calls.take()) == [500]
    assert sizes(calls.take()) == [500]


def test_a_large_call_does_not_hold_a_small_one() -> None:
    batch = waiting(1000, [100] * 1000, [100]).take()
    assert [call.id for call, _ in batch].count(2) == 1


def test_a_small_call_of_another_length_goes_first() -> None:
    calls = waiting(1024, [256] * 100, [8])
    assert sizes(calls.take()) == [8]
    assert set(sizes(calls.take())) == {256}


def test_a_small_call_is_not_delayed_by_items_of_a_large_one() -> None:
    """They would fit beside it, and make its batch as long as a full one."""
    calls = waiting(1024, [40] * 100)
    assert len(calls.take()) > 8
    calls.add(call_of(2, [40]))
    assert [call.id for call, _ in calls.take()] == [2]
    assert {call.id for call, _ in calls.take()} == {1}


def test_small_calls_end_one_after_the_other() -> None:
    calls = waiting(1024, [40] * 20, [40] * 10, [40] * 6)
    assert [call.id for call, _ in calls.take()].count(1) == 16
    calls = waiting(4096, [40] * 20, [40] * 10, [40] * 90)
    found = [call.id for call, _ in calls.take()]
    assert (found.count(1), found.count(2)) == (20, 10)


def test_a_short_call_waits_for_one_batch_however_many_large_ones_there_are() -> None:
    calls = waiting(1024, *[[64 * 3**number] * 100 for number in range(5)])
    for batches in range(7, 17):
        for _ in range(batches):
            calls.take()
        calls.add(call_of(100 + batches, [8]))
        assert 100 + batches in {call.id for _ in range(2) for call, _ in calls.take()}


def test_short_calls_that_never_end_do_not_starve_a_large_one() -> None:
    calls = waiting(1024, [256] * 40)
    served = 0
    for number in range(2, 102):
        calls.add(call_of(number, [8] * 32))
        served += sum(call.id == 1 for call, _ in calls.take())
    assert served == 40
    assert calls.count > 0


def test_large_calls_have_turns_among_themselves() -> None:
    calls = waiting(1024, [256] * 40, [64] * 160, [700] * 10)
    leads = [calls.take()[-1][0].id for _ in range(9)]
    assert sorted(leads[-6:]) == [1, 1, 2, 2, 3, 3]


def test_a_client_with_many_calls_delays_another_client_by_one_batch() -> None:
    calls = waiting(1024)
    for number in range(200):
        calls.add(call_of(number, [64] * 16, Turn("bulk", number)))
    calls.take()
    calls.add(call_of(1000, [8], Turn("other", 1)))
    assert 1000 in {call.id for _ in range(2) for call, _ in calls.take()}


def test_the_requests_of_a_client_share_its_turns() -> None:
    calls = waiting(256)
    for number in range(8):
        calls.add(call_of(number, [256] * 4, Turn("bulk", number)))
    calls.add(call_of(100, [256] * 4, Turn("other", 1)))
    leads = [calls.take()[0][0].id for _ in range(8)]
    assert leads.count(100) == 4


def test_a_batch_of_a_large_call_takes_short_items_of_small_calls_along() -> None:
    calls = waiting(8192, [400] * 400, [8], [100], [120])
    assert [call.id for call, _ in calls.take()] == [2]
    second = calls.take()
    assert sizes(second) == [100, 120, *[400] * 14]


def test_every_item_is_taken_once() -> None:
    rng = random.Random(7)
    for _ in range(50):
        lists = [[rng.randint(1, 256) for _ in range(rng.randint(1, 40))] for _ in range(rng.randint(1, 12))]
        calls = waiting(1024, *lists)
        everything = {(number, index) for number, items in enumerate(lists, 1) for index in range(len(items))}
        taken: list[tuple[int, int]] = []
        while calls.count:
            batch = calls.take()
            assert batch
            assert max(max(sizes(batch)), 32) * len(batch) <= 1024 or len(batch) == 1
            taken += [(call.id, index) for call, index in batch]
        assert len(taken) == len(set(taken))
        assert set(taken) == everything
