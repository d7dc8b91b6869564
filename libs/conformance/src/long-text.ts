import type { Context } from './check.ts';

/** 1.9 MB: below the bodies that servers refuse by size (TGI: 2 MB), above the context of almost any model. */
const MOST_WORDS = 630_000;
const WORD = ' hi';

/** More tokens than the model takes: a token or more for each word, and no more of them than needed. */
export function longText({ entry }: Context): string {
  // vLLM and others tell it in the list of models.
  const told = Number(entry['max_model_len']);
  return WORD.repeat(told > 0 ? Math.min(told + 100, MOST_WORDS) : MOST_WORDS);
}
