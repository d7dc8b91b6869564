import { z } from 'zod';
import { FinishReason } from './generate-response.ts';
import { Token } from './tokens.ts';

export const StreamDetails = z
  .object({
    finish_reason: FinishReason,
    generated_tokens: z.int().min(0),
    seed: z.int().min(0).nullable(),
    input_length: z.int().min(0).describe('The number of tokens of the inputs.'),
  })
  .meta({ id: 'TgiStreamDetails' });
export type StreamDetails = z.infer<typeof StreamDetails>;

/** One event of a stream: one token. Only the last event has the whole text and, on request, the details. */
export const StreamResponse = z
  .object({
    index: z.int().min(1).describe('The index of the token, from 1.'),
    token: Token,
    top_tokens: z.array(Token).optional(),
    generated_text: z.string().nullable(),
    details: StreamDetails.nullable(),
  })
  .meta({ id: 'TgiStreamResponse' });
export type StreamResponse = z.infer<typeof StreamResponse>;
