import { z } from 'zod';

const MAX_ITEMS = 2048;

/** What to embed: a text, texts, one text as tokens, or several as tokens. */
export type EmbeddingsInput = string | string[] | number[] | number[][];

/**
 * Says what is wrong with an input, or nothing. Written by hand because a union of arrays would walk a large input up to
 * four times and could not name the item that is wrong.
 */
function problemOf(input: unknown): { path: (string | number)[]; message: string } | undefined {
  const wrong = (message: string, ...path: number[]) => ({ path, message });
  if (typeof input === 'string') return input === '' ? wrong('expected text, got an empty string') : undefined;
  if (!Array.isArray(input)) return wrong('expected a string, an array of strings, of tokens, or of arrays of tokens');
  if (input.length === 0) return wrong('expected at least one item, got an empty array');
  if (input.length > MAX_ITEMS) return wrong(`expected at most ${MAX_ITEMS} items, got ${input.length}`);
  const kind = Array.isArray(input[0]) ? 'array of tokens' : typeof input[0];
  for (const [i, item] of input.entries()) {
    if (typeof item === 'string' && kind === 'string') {
      if (item === '') return wrong('expected text, got an empty string', i);
    } else if (Array.isArray(item) && kind === 'array of tokens') {
      if (item.length === 0) return wrong('expected at least one token, got an empty array', i);
      const bad = item.findIndex((token) => !isToken(token));
      if (bad >= 0) return wrong('expected a token: an integer from 0 up', i, bad);
    } else if (typeof item === 'number' && kind === 'number') {
      if (!isToken(item)) return wrong('expected a token: an integer from 0 up', i);
    } else return wrong('expected items of one kind: strings, tokens, or arrays of tokens', i);
  }
  return undefined;
}

const isToken = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

const token = { type: 'integer', minimum: 0 };
const list = (items: object) => ({ type: 'array', items, minItems: 1 });

/** The body of `POST /v1/embeddings`. */
export const EmbeddingsRequest = z
  .object({
    model: z.string(),
    input: z
      .custom<EmbeddingsInput>((value) => value !== undefined, 'expected a string or an array')
      .superRefine((input, context) => {
        const problem = problemOf(input);
        if (problem) context.addIssue({ code: 'custom', input, ...problem });
      })
      .meta({
        anyOf: [
          { type: 'string', minLength: 1 },
          { ...list({ type: 'string', minLength: 1 }), maxItems: MAX_ITEMS },
          { ...list(token), maxItems: MAX_ITEMS },
          { ...list(list(token)), maxItems: MAX_ITEMS },
        ],
      }),
    encoding_format: z
      .enum(['float', 'base64'])
      .nullish()
      .describe('base64 is the little-endian float32 of the vector. Default float.'),
    dimensions: z
      .int()
      .min(1)
      .nullish()
      .describe('Length of the vectors, where the model allows another than its own.'),
    user: z.string().nullish(),
  })
  .meta({ id: 'EmbeddingsRequest' });
export type EmbeddingsRequest = z.infer<typeof EmbeddingsRequest>;

const answer = <Vector extends z.ZodType>(vector: Vector) =>
  z.object({
    object: z.literal('list'),
    data: z.array(z.object({ object: z.literal('embedding'), index: z.int(), embedding: vector })),
    model: z.string().describe('The model’s own id, whatever name the request used.'),
    usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
  });

/** The answer with `encoding_format: "float"`. */
export const EmbeddingsResponse = answer(z.array(z.number())).meta({ id: 'EmbeddingsResponse' });
export type EmbeddingsResponse = z.infer<typeof EmbeddingsResponse>;

/** The answer with `encoding_format: "base64"`. */
export const EmbeddingsBase64Response = answer(z.base64()).meta({ id: 'EmbeddingsBase64Response' });
export type EmbeddingsBase64Response = z.infer<typeof EmbeddingsBase64Response>;
