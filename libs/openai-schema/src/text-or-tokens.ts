import { z } from 'zod';

/** One text, several texts, the tokens of one text, or the tokens of several texts. */
export type TextOrTokens = string | string[] | number[] | number[][];

export interface TextOrTokensLimits {
  readonly maxItems: number;
  /** The most tokens of an input that is one list of tokens. */
  readonly maxTokens?: number;
  /** Whether a text may be empty. */
  readonly emptyText: boolean;
}

type Problem = { path: (string | number)[]; message: string };

/**
 * The API's four forms of an input. The check does not use a Zod union, which would read a large input up to four times
 * and could not name the wrong item.
 */
export function textOrTokens(limits: TextOrTokensLimits) {
  const { maxItems, maxTokens, emptyText } = limits;
  const text = { type: 'string', ...(!emptyText && { minLength: 1 }) };
  return z
    .custom<TextOrTokens>((value) => value !== undefined, 'expected a string or an array')
    .superRefine((input, context) => {
      const problem = problemOf(input, limits);
      if (problem) context.addIssue({ code: 'custom', input, ...problem });
    })
    .meta({
      anyOf: [
        text,
        { ...list(text), maxItems },
        { ...list(token), maxItems: maxTokens },
        { ...list(list(token)), maxItems },
      ],
    });
}

const token = { type: 'integer', minimum: 0 };
const list = (items: object) => ({ type: 'array', items, minItems: 1 });

/** The first error of an input, or undefined. */
function problemOf(
  input: unknown,
  { maxItems, maxTokens = Infinity, emptyText }: TextOrTokensLimits,
): Problem | undefined {
  const wrong = (message: string, ...path: number[]): Problem => ({ path, message });
  const isEmpty = (text: string) => !emptyText && text === '';
  if (typeof input === 'string') return isEmpty(input) ? wrong('expected text, got an empty string') : undefined;
  if (!Array.isArray(input)) return wrong('expected a string, an array of strings, of tokens, or of arrays of tokens');
  if (input.length === 0) return wrong('expected at least one item, got an empty array');
  const kind = Array.isArray(input[0]) ? 'array of tokens' : typeof input[0];
  const max = kind === 'number' ? maxTokens : maxItems;
  if (input.length > max) return wrong(`expected at most ${max} items, got ${input.length}`);
  for (const [i, item] of input.entries()) {
    if (typeof item === 'string' && kind === 'string') {
      if (isEmpty(item)) return wrong('expected text, got an empty string', i);
    } else if (Array.isArray(item) && kind === 'array of tokens') {
      if (item.length === 0) return wrong('expected at least one token, got an empty array', i);
      const bad = item.findIndex((one) => !isToken(one));
      if (bad >= 0) return wrong('expected a token: an integer from 0 up', i, bad);
    } else if (typeof item === 'number' && kind === 'number') {
      if (!isToken(item)) return wrong('expected a token: an integer from 0 up', i);
    } else return wrong('expected items of one kind: strings, tokens, or arrays of tokens', i);
  }
  return undefined;
}

const isToken = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
