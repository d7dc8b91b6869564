"""The runner on the stand-in, which ends the process where a rule of the library is broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xfastertransformer
from make_model import make_model
from xim_engine_xft.model_files import read_model
from xim_engine_xft.xft_runner import IDS, XftRunner
from xim_generation.chat.tokenizer import Tokenizer
from xim_generation.runner import Floats, RunnerLimits
from xim_generation.schedule import Scheduler, Sequence
from xim_worker import Runtime, turn_of


@pytest.fixture
def runner(tmp_path: Path) -> XftRunner:
    make_model(tmp_path)
    files = read_model(tmp_path)
    limits = RunnerLimits(files.vocabulary, 64, 0, 0, 16, mixed=False, whole_prompts=True)
    model = xfastertransformer.AutoModel.from_pretrained(str(tmp_path), "bf16", "fp16")
    runtime = Runtime(name="stand-in", version="0", isa="none")
    return XftRunner(model, Tokenizer.from_folder(tmp_path), limits, runtime, "bf16")


def step(runner: XftRunner, scheduler: Scheduler) -> None:
    chunks = scheduler.plan()
    logits = runner.forward(scheduler.to_batch(chunks))
    assert np.isfinite(logits).all()
    for chunk, row in zip(chunks, logits, strict=True):
        if chunk.start + chunk.count == len(chunk.sequence.tokens):
            chunk.sequence.tokens.append(int(row.argmax()))
    scheduler.commit(chunks)


def alone(runner: XftRunner, number: int, prompt: list[int], new: int) -> list[int]:
    scheduler, sequence = Scheduler(runner.limits, 1), Sequence(number, turn_of(0), list(prompt))
    scheduler.add(sequence)
    while len(sequence.tokens) < len(prompt) + new:
        step(runner, scheduler)
    runner.release(number)
    return sequence.tokens


def test_sequences_in_company_get_what_they_get_alone(runner: XftRunner) -> None:
    prompts = [[number * 7 + place for place in range(3 + 4 * number)] for number in range(5)]
    expected = [alone(runner, 100 + number, prompt, 20) for number, prompt in enumerate(prompts)]
    scheduler = Scheduler(runner.limits, 3)
    sequences = [Sequence(number, turn_of(number), list(prompt)) for number, prompt in enumerate(prompts)]
    for sequence in sequences:
        scheduler.add(sequence)
    while scheduler.busy:
        step(runner, scheduler)
        for sequence in sequences:
            if not sequence.over and len(sequence.tokens) == sequence.prompt + 20:
                scheduler.finish(sequence)
                runner.release(sequence.number)
    assert [sequence.tokens for sequence in sequences] == expected


def test_a_sequence_outlives_as_many_others_as_the_library_has_numbers(runner: XftRunner) -> None:
    prompt = [5, 6, 7]
    expected = alone(runner, -1, prompt, 12)
    scheduler, old = Scheduler(runner.limits, 4), Sequence(0, turn_of(0), list(prompt))
    scheduler.add(old)
    for _ in range(3):
        step(runner, scheduler)
    # Others take all numbers but a few, without the time that computing them would take.
    model = runner._model
    while runner._last_id != IDS - 2:
        (given,) = model.set_input_cb([[1]], None, [4]).tolist()
        model.free_seqs([given])
        runner._last_id = given
    for number in range(1, 12):
        short = Sequence(number, turn_of(number), [number, number])
        scheduler.add(short)
        while len(short.tokens) < 3:
            step(runner, scheduler)
        scheduler.finish(short)
        runner.release(number)
    while len(old.tokens) < len(expected):
        step(runner, scheduler)
    assert old.tokens[: len(expected)] == expected


def test_a_number_that_is_given_twice_ends_the_worker(runner: XftRunner) -> None:
    runner._ids[77] = 0
    scheduler = Scheduler(runner.limits, 1)
    scheduler.add(Sequence(0, turn_of(0), [1]))
    runner._last_id = 5000
    with pytest.raises(RuntimeError, match="gave the number 0 to a second sequence"):
        step(runner, scheduler)


def test_memory_of_a_sequence_is_reserved_once_for_its_longest(runner: XftRunner) -> None:
    assert len(alone(runner, 0, list(range(10)), 54)) == runner.limits.context_length


def test_logits_that_are_no_numbers_end_the_worker(runner: XftRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    class Spoiled:
        def numpy(self) -> Floats:
            return np.full((1, runner.limits.vocabulary), np.nan, np.float32)

    monkeypatch.setattr(runner._model, "forward_cb", Spoiled)
    scheduler = Scheduler(runner.limits, 1)
    scheduler.add(Sequence(0, turn_of(0), [1]))
    with pytest.raises(RuntimeError, match="no numbers"):
        step(runner, scheduler)
