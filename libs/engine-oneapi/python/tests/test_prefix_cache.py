from xim_engine_oneapi.prefix_cache import PrefixCache

PROMPT = list(range(100))


def run(cache: PrefixCache, prompt: list[int], answer: list[int]) -> int:
    """Cached tokens of a call that runs alone."""
    generated: list[int] = []
    held = cache.admit(prompt, generated)
    generated += answer
    cache.release(held)
    return held.cached


# The numbers are what the library did: `logprobs` of an echo lack the tokens that came from its cache.


def test_whole_blocks_of_the_same_prompt() -> None:
    cache = PrefixCache(20)
    assert run(cache, PROMPT, [7, 8]) == 0
    assert run(cache, PROMPT, [7, 8]) == 96
    assert run(cache, [*PROMPT[:64], 1, 2], [7]) == 64
    assert run(cache, [5, *PROMPT], [7]) == 0


def test_a_conversation_that_goes_on_takes_the_answer_too() -> None:
    cache = PrefixCache(20)
    run(cache, PROMPT, [7, 8, 9])
    # All but the last token, which was drawn and never read.
    assert run(cache, [*PROMPT, 7, 8, 9, 1, 2], [3]) == 102
    # That block now goes on with other tokens.
    assert run(cache, [*PROMPT, 7, 8, 5], [3]) == 96


def test_the_last_token_is_always_computed() -> None:
    cache = PrefixCache(20)
    run(cache, PROMPT[:64], [7])
    assert run(cache, PROMPT[:64], [7]) == 63


def test_what_is_not_computed_yet_is_not_cached() -> None:
    cache = PrefixCache(20)
    first: list[int] = []
    held = cache.admit(PROMPT, first)
    second = cache.admit(PROMPT, [])
    assert second.cached == 0
    first += [7] * 40
    # The part of a block at the end has become something else.
    assert run(cache, [*PROMPT, 7, 7], [7]) == 96
    assert run(cache, [*PROMPT, *[7] * 40], [7]) == 128
    cache.release(held)
    cache.release(second)


def test_a_full_cache_forgets_what_was_not_taken_for_longest() -> None:
    cache = PrefixCache(8)
    prompts = [[number, *PROMPT[:63]] for number in range(6)]
    for prompt in prompts[:4]:
        assert run(cache, prompt, [7]) == 0
    assert run(cache, prompts[0], [7]) == 63
    # Room for two blocks is made of the second prompt's, since the first one's were taken again.
    assert run(cache, prompts[4], [7]) == 0
    assert run(cache, prompts[0], [7]) == 63
    assert run(cache, prompts[1], [7]) == 0


def test_blocks_of_a_sequence_at_work_take_room() -> None:
    cache = PrefixCache(8)
    run(cache, PROMPT[:64], [7])
    busy: list[int] = []
    held = cache.admit([9] * 32, busy)
    busy += [9] * 200
    assert run(cache, PROMPT[:64], [7]) == 0
    cache.release(held)


def test_a_prompt_that_was_cancelled_is_not_cached_and_took_room() -> None:
    cache = PrefixCache(4)
    run(cache, PROMPT[:64], [7])
    cache.release(cache.admit([9] * 128, []))
    assert run(cache, [9] * 64, [7]) == 0
    assert run(cache, PROMPT[:64], [7]) == 0
