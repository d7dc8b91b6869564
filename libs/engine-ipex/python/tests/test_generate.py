"""Tokens of small random models, compared with those that `generate` of Transformers gives."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_language_models import CONFIGS, write
from transformers import AutoModelForCausalLM
from xim_engine_ipex.generate import open_runner
from xim_engine_ipex.paged_runner import PagedRunner
from xim_engine_ipex.sequence_runner import SequenceRunner
from xim_generation.runner import ModelRunner
from xim_generation.schedule import Scheduler, Sequence
from xim_worker import Context, Plan, StartError, turn_of

PROMPTS = [[7, 8, 9], list(range(60, 120)), [200], list(range(30, 63)), list(range(60, 100))]
"""Shorter and longer than a block, a window, a chunk of a step, and the first 64 positions of one model."""
NEW = 24
SEQUENTIAL = {"mamba", "bloom", "phi3_longrope"}

Folder = Callable[[str], Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    root = tmp_path_factory.mktemp("language-models")
    return lambda name: path if (path := root / name).exists() else write(path, name)


def to_context(folder: Path, kv_cache_bytes: int = 1 << 22, batch_tokens: int = 48, **options: object) -> Context:
    plan = Plan(threads=1, slots=4, kv_cache_bytes=kv_cache_bytes, batch_tokens=batch_tokens)
    return Context({"id": "org/m", "shape": {}}, str(folder), options, plan, 0, lambda step, fraction: None)


def generate(runner: ModelRunner, prompts: list[list[int]], slots: int = 4) -> list[list[int]]:
    """The greedy tokens of all prompts, computed together as far as there are slots."""
    scheduler = Scheduler(runner.limits, slots)
    sequences = [Sequence(number, turn_of(number), list(prompt)) for number, prompt in enumerate(prompts)]
    for sequence in sequences:
        scheduler.add(sequence)
    while scheduler.busy:
        chunks = scheduler.plan()
        logits = runner.forward(scheduler.to_batch(chunks))
        assert logits.shape == (sum(chunk.rows for chunk in chunks), runner.limits.vocabulary)
        ends = np.cumsum([chunk.rows for chunk in chunks]) - 1
        for chunk, row in zip(chunks, ends, strict=True):
            if chunk.start + chunk.count == len(chunk.sequence.tokens):
                chunk.sequence.tokens.append(int(logits[row].argmax()))
        scheduler.commit(chunks)
        for sequence in [chunk.sequence for chunk in chunks]:
            if not sequence.over and len(sequence.tokens) == sequence.prompt + NEW:
                scheduler.finish(sequence)
                runner.release(sequence.number)
    return [sequence.tokens[sequence.prompt :] for sequence in sequences]


def generate_by_transformers(folder: Path, prompts: list[list[int]]) -> list[list[int]]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    found = []
    for prompt in prompts:
        ids = torch.tensor([prompt])
        # An end would stop it, and the pad token is a matter of batches.
        output = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW, do_sample=False, eos_token_id=None
        )
        found.append(output[0, len(prompt) :].tolist())
    return found


@pytest.mark.parametrize("name", CONFIGS)
def test_greedy_tokens_are_those_of_transformers(name: str, folder: Folder) -> None:
    runner = open_runner(to_context(folder(name), dtype="f32"))
    assert isinstance(runner, SequenceRunner if name in SEQUENTIAL else PagedRunner)
    expected = generate_by_transformers(folder(name), PROMPTS)
    assert generate(runner, PROMPTS) == expected
    assert len({tuple(tokens) for tokens in expected}) == len(PROMPTS), "the model repeats one token whatever it reads"


def test_tokens_do_not_depend_on_company_or_on_blocks_that_others_used(folder: Folder) -> None:
    """In f32: kernels for bf16 round differently for one row than for several."""
    runner = open_runner(to_context(folder("llama"), kv_cache_bytes=12 * 32 * 512, dtype="f32"))
    together = generate(runner, PROMPTS)
    for prompt, tokens in zip(PROMPTS, together, strict=True):
        assert generate(runner, [prompt], slots=1) == [tokens]


def test_sums_over_rows_are_those_of_numpy(folder: Folder) -> None:
    runner = open_runner(to_context(folder("llama")))
    logits = np.random.default_rng(0).normal(0, 9, (5, 300)).astype(np.float32)
    scales = np.linspace(0.5, 2, 5).astype(np.float32)
    assert runner.log_sum_exp is not None
    expected = np.log(np.exp(logits.astype(np.float64) * scales[:, None]).sum(1))
    np.testing.assert_allclose(runner.log_sum_exp(logits, scales), expected, rtol=1e-5)


def test_the_cache_has_the_bytes_of_the_plan(folder: Folder) -> None:
    block = 32 * 2 * 2 * 2 * 16 * 4  # tokens, keys and values, layers, heads, sizes, f32
    runner = open_runner(to_context(folder("llama"), kv_cache_bytes=5 * block + 1, dtype="f32"))
    assert (runner.limits.blocks, runner.limits.context_length) == (5, 160)
    with pytest.raises(StartError, match=f"gives the key-value cache {block - 1} bytes.*takes {block}"):
        open_runner(to_context(folder("llama"), kv_cache_bytes=block - 1, dtype="f32"))
    token = 2 * 2 * 4 * 16 * 4
    runner = open_runner(to_context(folder("bloom"), kv_cache_bytes=4 * 50 * token, dtype="f32"))
    assert (runner.limits.blocks, runner.limits.context_length) == (0, 50)


def test_logits_that_are_no_numbers_are_an_error(folder: Folder, tmp_path: Path) -> None:
    spoiled = copy(folder("llama"), tmp_path, lambda tensors: tensors["model.norm.weight"].fill_(torch.nan))
    with pytest.raises(RuntimeError, match="no numbers"):
        open_runner(to_context(spoiled))


def test_a_missing_tensor_is_an_error_and_a_tied_one_may_be_missing(folder: Folder, tmp_path: Path) -> None:
    lacking = copy(folder("llama"), tmp_path / "a", lambda tensors: tensors.pop("model.layers.1.mlp.up_proj.weight"))
    with pytest.raises(StartError, match=r"lacks the tensors model\.layers\.1\.mlp\.up_proj\.weight"):
        open_runner(to_context(lacking))
    assert "lm_head.weight" not in load_file(folder("gpt2") / "model.safetensors")
    open_runner(to_context(folder("gpt2")))


def test_a_folder_without_a_tokenizer_is_refused(folder: Folder, tmp_path: Path) -> None:
    bare = copy(folder("llama"), tmp_path)
    (bare / "tokenizer.json").unlink()
    with pytest.raises(StartError, match=r"tokenizer\.json is missing"):
        open_runner(to_context(bare))


def copy(source: Path, target: Path, change: Callable[[dict[str, torch.Tensor]], object] | None = None) -> Path:
    shutil.copytree(source, target, dirs_exist_ok=True)
    tensors = load_file(target / "model.safetensors")
    if change is not None:
        change(tensors)
    save_file(tensors, target / "model.safetensors", {"format": "pt"})
    return target
