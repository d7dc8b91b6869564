"""Random work for the scheduler: each sequence gets the same tokens as when it runs alone; nothing leaks or starves."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from tiny_runner import TinyRunner
from xim_generation.runner import RunnerLimits
from xim_generation.schedule import Chunk, Scheduler, Sequence
from xim_worker import Turn, turn_of

LIMITS = RunnerLimits(vocabulary=300, context_length=64, block_tokens=4, blocks=24, batch_tokens=16)
WHOLE = replace(LIMITS, block_tokens=0, blocks=0, mixed=False, whole_prompts=True)
SETTINGS = {
    "mixed": LIMITS,
    "unmixed": replace(LIMITS, mixed=False),
    "own-cache": replace(LIMITS, block_tokens=0, blocks=0),
    "whole-prompts": replace(WHOLE, batch_tokens=64),
    "few-tokens": replace(LIMITS, batch_tokens=3),
    "few-tokens-unmixed": replace(LIMITS, batch_tokens=3, mixed=False, blocks=17),
}


def alone(limits: RunnerLimits, prompt: list[int], new: int) -> list[int]:
    runner, scheduler = TinyRunner(replace(limits, batch_tokens=64)), Scheduler(replace(limits, batch_tokens=64), 1)
    sequence = Sequence(0, turn_of(0), list(prompt))
    scheduler.add(sequence)
    while len(sequence.tokens) < len(prompt) + new:
        step(runner, scheduler, {})
    return sequence.tokens


def step(runner: TinyRunner, scheduler: Scheduler, rows_of: dict[int, list[int]]) -> list[Chunk]:
    chunks = scheduler.plan()
    if not scheduler._limits.mixed:
        begin = 1 if scheduler._limits.whole_prompts else None
        decodes = {c.count == 1 and c.start >= (begin or c.sequence.prompt) and c.rows == 1 for c in chunks}
        assert len(decodes) == 1, "prompts and single tokens in one batch"
    logits = runner.forward(scheduler.to_batch(chunks))
    assert np.isfinite(logits).all()
    row = 0
    for chunk in chunks:
        sequence, best = chunk.sequence, logits[row : row + chunk.rows].argmax(-1)
        row += chunk.rows
        end = chunk.start + chunk.count
        rows_of.setdefault(sequence.number, []).extend(range(end - chunk.rows, end))
        if chunk.start + chunk.count - chunk.drafted < len(sequence.tokens) or not chunk.rows:
            continue
        for index, token in enumerate(best[len(best) - 1 - chunk.drafted :]):
            sequence.tokens.append(int(token))
            if index < chunk.drafted and sequence.draft[index] != token:
                break
    assert row == len(logits)
    scheduler.commit(chunks)
    return chunks


def check_blocks(scheduler: Scheduler, running: list[Sequence]) -> None:
    blocks = scheduler._blocks
    if not blocks:
        assert not any(sequence.blocks for sequence in running)
        return
    owners: dict[int, list[tuple[int, Sequence]]] = {}
    for sequence in running:
        assert len(sequence.blocks) * blocks.block_tokens >= sequence.computed
        for index, block in enumerate(sequence.blocks):
            owners.setdefault(block, []).append((index, sequence))
    for block, uses in owners.items():
        assert blocks.users(block) == len(uses)
        if len(uses) > 1:
            ends = {tuple(s.tokens[: (i + 1) * blocks.block_tokens]) for i, s in uses}
            assert len(ends) == 1 and all(index < sequence.registered for index, sequence in uses)
    assert scheduler.blocks_used == len(owners)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("seed", range(12))
def test_random_work(setting: str, seed: int) -> None:
    limits, chance = SETTINGS[setting], random.Random(seed)
    runner = TinyRunner(limits)
    scheduler = Scheduler(limits, slots=chance.choice([2, 5, 8]), prefix_cache=chance.random() < 0.8)
    heads = [[chance.randrange(300) for _ in range(20)] for _ in range(2)]
    todo: list[tuple[Sequence, int, bool]] = []
    for call in range(6):
        head = chance.choice(heads)[: chance.randrange(1, 20)]
        prompt = head + [chance.randrange(300) for _ in range(chance.randrange(20))]
        rows, first = chance.random() < 0.2, None
        for _ in range(chance.choice([1, 1, 3])):
            sequence = Sequence(len(todo), turn_of(call), list(prompt), wants_prompt_rows=rows, after=first)
            first = first or sequence
            todo.append((sequence, chance.randrange(1, 16), chance.random() < 0.15))
    expected = [alone(limits, sequence.tokens, new) for sequence, new, _ in todo]
    rows_of: dict[int, list[int]] = {}
    arrived = steps = 0
    # Each step computes at least one token; a preemption computes at most the tokens of its sequence again.
    work = sum(len(tokens) for tokens in expected) + len(todo)
    while arrived < len(todo) or scheduler.busy:
        while arrived < len(todo) and (not scheduler.busy or chance.random() < 0.4):
            scheduler.add(todo[arrived][0])
            arrived += 1
        for sequence, _, _ in todo[:arrived]:
            if not sequence.over and chance.random() < 0.5:
                end = len(sequence.tokens)
                sequence.draft = [t if chance.random() < 0.7 else 0 for t in expected[sequence.number][end : end + 3]]
        chunks = step(runner, scheduler, rows_of)
        assert 0 < sum(chunk.count for chunk in chunks) <= limits.batch_tokens
        for sequence, new, cancelled in todo[:arrived]:
            if len(sequence.tokens) >= sequence.prompt + new or (cancelled and chance.random() < 0.1):
                scheduler.finish(sequence)
                scheduler.finish(sequence)
                runner.release(sequence.number)
        check_blocks(scheduler, [sequence for sequence, _, _ in todo[:arrived] if not sequence.over])
        steps += 1
        assert steps <= work + scheduler.preemptions * limits.context_length, f"seed {seed}: starved"
    for (sequence, new, cancelled), tokens in zip(todo, expected, strict=True):
        if len(sequence.tokens) >= sequence.prompt + new:
            assert sequence.tokens[: len(tokens)] == tokens, f"seed {seed}, sequence {sequence.number}"
            given = [row for row in rows_of[sequence.number] if row < sequence.prompt]
            begin = 0 if sequence.wants_prompt_rows else sequence.prompt - 1
            assert given == list(range(begin, sequence.prompt)), f"seed {seed}, sequence {sequence.number}"
        else:
            assert cancelled
    assert scheduler.blocks_used == 0 and scheduler.running == scheduler.waiting == 0


def test_preemption_and_the_prefix_cache_are_reached() -> None:
    limits = replace(LIMITS, blocks=8)
    runner, scheduler = TinyRunner(limits), Scheduler(limits, 4)
    sequences = [Sequence(n, turn_of(n), [n * 50 + i for i in range(9)]) for n in range(3)]
    for sequence in sequences:
        scheduler.add(sequence)
    expected = [alone(limits, sequence.tokens, 16) for sequence in sequences]
    while scheduler.busy:
        step(runner, scheduler, {})
        for sequence in sequences:
            if len(sequence.tokens) == 25:
                scheduler.finish(sequence)
    assert [sequence.tokens for sequence in sequences] == expected
    assert scheduler.preemptions > 0
    again = Sequence(9, turn_of(9), list(sequences[2].tokens))
    scheduler.add(again)
    scheduler.plan()
    assert again.cached == 24


def test_a_short_prompt_does_not_wait_for_a_long_one() -> None:
    runner, scheduler = TinyRunner(LIMITS), Scheduler(LIMITS, 4)
    scheduler.add(Sequence(0, turn_of(0), list(range(60))))
    short = Sequence(1, turn_of(1), [1, 2, 3, 4])
    step(runner, scheduler, {})
    scheduler.add(short)
    step(runner, scheduler, {})
    assert len(short.tokens) == 5


def test_prompts_of_one_length_end_in_the_order_of_arrival() -> None:
    scheduler = Scheduler(replace(LIMITS, batch_tokens=16), slots=8)
    sequences = [Sequence(n, turn_of(n), [n * 20 + i for i in range(8)]) for n in range(4)]
    for sequence in sequences:
        scheduler.add(sequence)
    assert [(chunk.sequence.number, chunk.count) for chunk in scheduler.plan()] == [(0, 8), (1, 8)]


def test_a_long_prompt_keeps_half_of_the_batch_beside_short_ones() -> None:
    scheduler = Scheduler(replace(LIMITS, batch_tokens=16), slots=8)
    for number, length in enumerate((40, 6, 4, 5)):
        scheduler.add(Sequence(number, turn_of(number), [number * 50 + i for i in range(length)]))
    assert {chunk.sequence.number: chunk.count for chunk in scheduler.plan()} == {0: 8, 2: 4, 3: 4}


def _started(slots: int, turns: list[Turn]) -> list[int]:
    """The numbers of the sequences that the first step starts, sequence n with the turn `turns[n]`."""
    scheduler = Scheduler(LIMITS, slots)
    for number, turn in enumerate(turns):
        scheduler.add(Sequence(number, turn, [number]))
    return [chunk.sequence.number for chunk in scheduler.plan()]


def test_calls_take_turns() -> None:
    assert _started(2, [turn_of(1)] * 9 + [turn_of(2)]) == [0, 9]


def test_clients_take_turns_and_so_do_their_requests() -> None:
    turns = [Turn("bulk", request) for request in (1, 2, 3) for _ in range(3)]
    assert _started(4, [*turns, Turn("other", 1)]) == [0, 9, 3, 6]


def test_a_request_of_many_sequences_leaves_slots_to_others() -> None:
    limits = replace(LIMITS, batch_tokens=64, blocks=100)
    runner, scheduler = TinyRunner(limits), Scheduler(limits, 32)
    many = [Sequence(n, Turn("bulk", 1), [n % 60]) for n in range(64)]
    for sequence in many:
        scheduler.add(sequence)
    step(runner, scheduler, {})
    assert scheduler.running == 30
    late = [Sequence(64 + n, Turn("bulk", 2 + n), [n]) for n in range(3)]
    for sequence in late:
        scheduler.add(sequence)
    assert [chunk.sequence for chunk in scheduler.plan()][30:] == late[:2]
    scheduler.finish(many[0])
    assert scheduler.plan()[-1].sequence is late[2]
    scheduler.finish(many[1])
    scheduler.plan()
    assert scheduler.running == 31, "the request of many sequences starts none in a reserved slot"


def test_an_older_prompt_takes_the_blocks_of_a_planned_decode() -> None:
    limits = replace(LIMITS, blocks=8, batch_tokens=3)
    runner, scheduler = TinyRunner(limits), Scheduler(limits, 2)
    old, young = Sequence(0, turn_of(0), list(range(24))), Sequence(1, turn_of(1), [99, 98])
    expected = alone(limits, young.tokens, 20)
    scheduler.add(old)
    scheduler.add(young)
    while len(old.tokens) < 26:
        step(runner, scheduler, {})
    assert scheduler.preemptions > 0
    scheduler.finish(old)
    while len(young.tokens) < 22:
        step(runner, scheduler, {})
    assert young.tokens == expected


def test_prompts_and_single_tokens_alternate_where_they_cannot_mix() -> None:
    limits = replace(LIMITS, batch_tokens=3, mixed=False)
    runner, scheduler = TinyRunner(limits), Scheduler(limits, 2)
    decode, long = Sequence(0, turn_of(0), [1]), Sequence(1, turn_of(1), list(range(40)))
    scheduler.add(decode)
    step(runner, scheduler, {})
    scheduler.add(long)
    planned = [step(runner, scheduler, {})[0].sequence for _ in range(8)]
    assert planned.count(decode) == planned.count(long) == 4


def test_whole_prompts_are_never_cut_and_a_long_one_is_a_batch_of_its_own() -> None:
    scheduler = Scheduler(WHOLE, slots=8)
    for number, length in enumerate((40, 6, 4, 12, 7)):
        scheduler.add(Sequence(number, turn_of(number), [number * 50 + i for i in range(length)]))
    batches = []
    while scheduler.busy:
        chunks = scheduler.plan()
        batches.append([(chunk.sequence.number, chunk.start, chunk.count, chunk.rows) for chunk in chunks])
        scheduler.commit(chunks)
        for chunk in chunks:
            scheduler.finish(chunk.sequence)
    assert batches == [[(0, 0, 40, 1)], [(1, 0, 6, 1), (2, 0, 4, 1)], [(3, 0, 12, 1)], [(4, 0, 7, 1)]]


def test_a_whole_prompt_whose_rows_are_wanted_goes_token_by_token_beside_others() -> None:
    limits = replace(WHOLE, batch_tokens=64)
    runner, scheduler = TinyRunner(limits), Scheduler(limits, 4)
    scored, other = Sequence(0, turn_of(0), [5, 6, 7, 8], wants_prompt_rows=True), Sequence(1, turn_of(1), [9, 10, 11])
    scheduler.add(scored)
    scheduler.add(other)
    rows_of: dict[int, list[int]] = {}
    counts = [
        sorted((chunk.sequence.number, chunk.count) for chunk in step(runner, scheduler, rows_of)) for _ in range(4)
    ]
    assert counts == [[(0, 1), (1, 3)], [(0, 1), (1, 1)], [(0, 1), (1, 1)], [(0, 1), (1, 1)]]
    assert rows_of[0] == [0, 1, 2, 3] and len(scored.tokens) == 5
    assert scored.tokens == alone(limits, [5, 6, 7, 8], 1)


def test_the_tail_of_a_prefix_is_evicted_before_its_head() -> None:
    limits = replace(LIMITS, blocks=8)
    runner, scheduler = TinyRunner(limits), Scheduler(limits, 1)
    first, other = Sequence(0, turn_of(0), list(range(17))), Sequence(1, turn_of(1), list(range(100, 120)))
    again = Sequence(2, turn_of(2), list(range(17)))
    for sequence in (first, other):
        scheduler.add(sequence)
        while len(sequence.tokens) == sequence.prompt:
            step(runner, scheduler, {})
        scheduler.finish(sequence)
    scheduler.add(again)
    scheduler.plan()
    assert again.cached == 12


def test_only_the_part_of_a_draft_that_was_kept_counts_as_computed() -> None:
    scheduler = Scheduler(LIMITS, 1)
    sequence = Sequence(0, turn_of(0), [1, 2])
    scheduler.add(sequence)
    chunks = scheduler.plan()
    sequence.tokens.append(3)
    scheduler.commit(chunks)
    sequence.draft = [4, 5, 6]
    chunks = scheduler.plan()
    assert [(c.start, c.count, c.rows, c.drafted) for c in chunks] == [(2, 4, 4, 3)]
    assert scheduler.to_batch(chunks).tokens.tolist() == [3, 4, 5, 6]
    sequence.tokens += [4, 9, 6]  # the second token differs from the draft
    scheduler.commit(chunks)
    assert sequence.computed == 4 and sequence.draft == []


def test_a_further_choice_shares_the_prompt_of_the_first() -> None:
    runner, scheduler = TinyRunner(LIMITS), Scheduler(LIMITS, 4)
    first = Sequence(0, turn_of(0), list(range(18)))
    second = Sequence(1, turn_of(0), list(range(18)), after=first)
    scheduler.add(first)
    scheduler.add(second)
    while second.cached < 0:
        assert not second.blocks
        step(runner, scheduler, {})
    assert second.cached == 16
    assert second.blocks[:4] == first.blocks[:4] and second.blocks[4] != first.blocks[4]
