import type { Context } from './check.ts';

/** 1.9 MB: below the size limit of bodies (TGI: 2 MB), above the context of almost any model. */
const MOST_WORDS = 630_000;
const WORD = ' hi';

/** A text that exceeds the context of the model, without needless length. Each word has at least one token. */
export function longText({ entry }: Context): string {
  // vLLM and others report the context length in the list of models.
  const told = Number(entry['max_model_len']);
  return WORD.repeat(told > 0 ? Math.min(told + 100, MOST_WORDS) : MOST_WORDS);
}
