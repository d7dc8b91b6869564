import type { TokenChance, TokenLogprob } from '@xim/engine';
import type { CompletionLogprobs } from '@xim/openai-schema';

/** Where the next token of a choice begins, in characters (Unicode code points) from the prompt's beginning. */
export interface TextPlace {
  offset: number;
}

/** Tokens in a row → parallel lists; moves `place` behind them. */
export function toCompletionLogprobs(logprobs: readonly TokenLogprob[], place: TextPlace): CompletionLogprobs {
  return {
    tokens: logprobs.map(toName),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map((entry) => (entry.logprob === null ? null : toAlternatives(entry, entry.logprob))),
    text_offset: logprobs.map(({ bytes }) => {
      const start = place.offset;
      place.offset += bytes.filter(isFirst).length;
      // A token that goes on with a character begins where that character does.
      return bytes.length > 0 && !isFirst(bytes[0]!) ? start - 1 : start;
    }),
  };
}

/** Whether a byte of UTF-8 begins a character. */
const isFirst = (byte: number): boolean => (byte & 0xc0) !== 0x80;

/** The alternatives and the token itself, which may be none of them. */
function toAlternatives(entry: TokenLogprob, logprob: number): Record<string, number> {
  const chances = [...entry.top, { ...entry, logprob }];
  return Object.fromEntries(chances.map((one) => [toName(one), one.logprob]));
}

/** A token that is not whole characters is named by its bytes, as OpenAI does it: several would read alike otherwise. */
function toName({ token, bytes }: Pick<TokenChance, 'token' | 'bytes'>): string {
  if (!token.includes('\uFFFD')) return token;
  return `bytes:${bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;
}
