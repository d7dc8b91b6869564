import { z } from 'zod';
import { PrefillToken, Token } from './tokens.ts';

export const FinishReason = z
  .enum(['length', 'eos_token', 'stop_sequence'])
  .describe('The limit max_new_tokens was reached; the model ended the text; a stop text was generated.');
export type FinishReason = z.infer<typeof FinishReason>;

const told = {
  finish_reason: FinishReason,
  generated_tokens: z.int().min(0),
  seed: z.int().min(0).nullable().describe('Null without sampling.'),
  prefill: z.array(PrefillToken).describe('Empty without decoder_input_details.'),
  tokens: z.array(Token),
  top_tokens: z
    .array(z.array(Token))
    .optional()
    .describe('For each token the most probable tokens, in descending order.'),
};

export const BestOfSequence = z.object({ generated_text: z.string(), ...told }).meta({ id: 'TgiBestOfSequence' });
export type BestOfSequence = z.infer<typeof BestOfSequence>;

export const Details = z
  .object({
    ...told,
    best_of_sequences: z.array(BestOfSequence).optional().describe('The texts that were not chosen.'),
  })
  .meta({ id: 'TgiDetails' });
export type Details = z.infer<typeof Details>;

/** The answer of `POST /generate`. The answer of `POST /` is a list with one of them. */
export const GenerateResponse = z
  .object({ generated_text: z.string(), details: Details.optional() })
  .meta({ id: 'TgiGenerateResponse' });
export type GenerateResponse = z.infer<typeof GenerateResponse>;
