import { z } from 'zod';
import { type TextOrTokens, textOrTokens } from './text-or-tokens.ts';

const MAX_ITEMS = 2048;

/** The input: one text, several texts, the tokens of one text, or the tokens of several texts. */
export type EmbeddingsInput = TextOrTokens;

/** The body of `POST /v1/embeddings`. */
export const EmbeddingsRequest = z
  .object({
    model: z.string().nullish().describe('Default: the served model. A strict service requires it.'),
    input: textOrTokens({ maxItems: MAX_ITEMS, maxTokens: MAX_ITEMS, emptyText: false }),
    encoding_format: z
      .enum(['float', 'base64'])
      .nullish()
      .describe('base64 is the little-endian float32 of the vector. Default float.'),
    dimensions: z
      .int()
      .min(1)
      .nullish()
      .describe('Length of the vectors. Only models with truncatable vectors allow another length than their own.'),
    user: z.string().nullish(),
    prompt_name: z
      .string()
      .nullish()
      .describe(
        'An extension: the name of a prompt of the model (Sentence Transformers), which is put before each text.',
      ),
    input_type: z
      .string()
      .nullish()
      .describe(
        'An extension: another name of prompt_name, with values such as "query" or "passage". Do not send both.',
      ),
    truncate: z
      .union([z.boolean(), z.enum(['NONE', 'START', 'END'])])
      .nullish()
      .describe(
        'An extension: true or "END" cuts the end of a text that is too long, "START" its start. ' +
          'With false or "NONE", the default, such a text is an error.',
      ),
    truncate_prompt_tokens: z
      .int()
      .min(-1)
      .refine((tokens) => tokens !== 0, { error: 'expected at least 1, or -1 for as many as the model reads' })
      .nullish()
      .describe('An extension: cuts a text to this number of tokens, special tokens included. -1: the model’s limit.'),
    truncation_side: z
      .enum(['left', 'right'])
      .nullish()
      .describe('An extension: the side that is cut, with truncate_prompt_tokens or truncate. Default right.'),
  })
  .refine(
    ({ truncate, truncate_prompt_tokens: tokens }) => tokens == null || (truncate !== false && truncate !== 'NONE'),
    { path: ['truncate'], error: 'expected no "truncate" that forbids what truncate_prompt_tokens asks for' },
  )
  .refine(
    ({ truncate, truncation_side: side }) =>
      side == null ||
      truncate == null ||
      typeof truncate === 'boolean' ||
      truncate === (side === 'left' ? 'START' : 'END'),
    { path: ['truncation_side'], error: 'truncate names another side; expected one of them' },
  )
  .refine(
    ({ truncate, truncate_prompt_tokens: tokens, truncation_side: side }) =>
      side == null || tokens != null || (truncate != null && truncate !== false),
    { path: ['truncation_side'], error: 'expected truncate_prompt_tokens or truncate beside it' },
  )
  .refine(({ prompt_name, input_type }) => prompt_name == null || input_type == null || prompt_name === input_type, {
    path: ['input_type'],
    error: 'input_type and prompt_name are two names of one setting; expected one of them',
  })
  .meta({ id: 'EmbeddingsRequest' });
export type EmbeddingsRequest = z.infer<typeof EmbeddingsRequest>;

const answer = <Vector extends z.ZodType>(vector: Vector) =>
  z.object({
    object: z.literal('list'),
    data: z.array(z.object({ object: z.literal('embedding'), index: z.int(), embedding: vector })),
    model: z.string().describe('The id of the served model, whatever name the request used.'),
    usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
  });

/** The answer with `encoding_format: "float"`. */
export const EmbeddingsResponse = answer(z.array(z.number())).meta({ id: 'EmbeddingsResponse' });
export type EmbeddingsResponse = z.infer<typeof EmbeddingsResponse>;

/** The answer with `encoding_format: "base64"`. */
export const EmbeddingsBase64Response = answer(z.base64()).meta({ id: 'EmbeddingsBase64Response' });
export type EmbeddingsBase64Response = z.infer<typeof EmbeddingsBase64Response>;
