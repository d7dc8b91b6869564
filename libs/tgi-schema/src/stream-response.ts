import { z } from 'zod';
import { FinishReason } from './generate-response.ts';
import { Token } from './tokens.ts';

export const StreamDetails = z
  .object({
    finish_reason: FinishReason,
    generated_tokens: z.int().min(0),
    seed: z.int().min(0).nullable(),
    input_length: z.int().min(0).describe('Tokens of the inputs.'),
  })
  .meta({ id: 'TgiStreamDetails' });
export type StreamDetails = z.infer<typeof StreamDetails>;

/** One event of a stream: one token. Only the last one has the whole text and, where asked for, details. */
export const StreamResponse = z
  .object({
    index: z.int().min(1).describe('Of the token, from 1.'),
    token: Token,
    top_tokens: z.array(Token).optional(),
    generated_text: z.string().nullable(),
    details: StreamDetails.nullable(),
  })
  .meta({ id: 'TgiStreamResponse' });
export type StreamResponse = z.infer<typeof StreamResponse>;
